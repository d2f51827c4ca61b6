// A process that works until it is killed. Started by `fleet.ts`.
import { createSqliteWorld } from "@perdure/world-sqlite";

import { serve } from "./serve.ts";
import { approval, branches, chain, fanOut, naps, nested, race, retries } from "./workflows.ts";

serve({
  openWorld: ({ world }) => createSqliteWorld({ path: world }),
  workflows: { approval, branches, chain, fanOut, naps, nested, race, retries },
});
