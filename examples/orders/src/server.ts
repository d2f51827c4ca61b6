import { once } from "node:events";

import { serve, type ServerType } from "@hono/node-server";
import { startWorker } from "perdure/worker";

import { app } from "./app.ts";
import { config } from "./config.ts";

// Orders that an earlier process left in the middle go on from here, before anybody asks. The lease says how long a process may give no sign of life
// before others take its orders over: short here, because the demo waits for it; the default is 5 s.
const worker = await startWorker({ leaseMs: 2000 });

const server: ServerType = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: config.port }, ({ port }) => {
  // One line of JSON, for whoever started this process with PORT=0.
  console.log(JSON.stringify({ listening: `http://127.0.0.1:${port}`, pid: process.pid }));
});

// A deploy: answer what has been asked, let the steps under way finish, give the orders to the next process at once. Nothing depends on it; a process that is
// killed just hands over a little later.
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => void stop());
}

async function stop(): Promise<void> {
  server.close();
  await Promise.all([once(server, "close"), worker.stop()]);
}
