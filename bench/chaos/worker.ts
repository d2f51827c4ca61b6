// A process that works until it is killed. Started by `../crash/fleet.ts`.
import { createPostgresWorld } from "@perdure/world-postgres";

import { serve } from "../crash/serve.ts";
import { approval, branches, chain, fanOut, naps, nested, race, retries } from "../crash/workflows.ts";
import { booking, child, family, progress, streams } from "./workflows.ts";

serve({
  openWorld: ({ world }) => createPostgresWorld({ url: world }),
  workflows: { approval, booking, branches, chain, child, family, fanOut, naps, nested, progress, race, retries, streams },
});
