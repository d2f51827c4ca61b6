import pg from "pg";
import { createPostgresWorld } from "./packages/world-postgres/dist/index.js";
const url = "postgres://postgres@127.0.0.1:55432/postgres";
const N = 500;
const id = (i, p = 0) => `0191${p.toString(16).padStart(4, "0")}-0000-7000-8000-${i.toString(16).padStart(12, "0")}`;
const row = Buffer.from("x".repeat(90));
const c = new pg.Client(url);
await c.connect();
let last;
const world = createPostgresWorld({
  pool: {
    query: (q) => {
      if (q.values) last = q;
      return c.query(q);
    },
  },
  schema: "perf",
  notify: false,
});
await world.setup();
await world.heartbeat("w", 1e9);
const its = Array.from({ length: N }, (_, i) => id(i, Date.now() % 65000));
await world.createRuns(
  its.map((id) => ({ id, key: null, workflowId: "app/flows#order", version: "v".repeat(64), input: row, dueAt: null })),
  { owner: "w" },
);
await world.commit(
  its.map((runId) => ({
    runId,
    worker: "w",
    fence: 1,
    base: 0,
    rows: [row],
    patch: process.argv[2] === "end" ? { status: "completed", output: row } : { note: "n1" },
  })),
);
const q = last;
await c.query("SET plan_cache_mode = " + (process.argv[3] ?? "force_generic_plan"));
await c.query("PREPARE one AS " + q.text);
const lit = (v) => (v === null ? "NULL" : typeof v === "number" ? String(v) : c.escapeLiteral(v));
const ids2 = its;
await c.query("BEGIN");
const v = q.values.slice();
v[3] = "{" + its.map(() => 1).join(",") + "}";
const seqIdx = 7;
v[seqIdx] = "{" + its.map(() => 2).join(",") + "}";
const { rows } = await c.query(`EXPLAIN (ANALYZE, BUFFERS) EXECUTE one(${v.map(lit).join(",")})`);
console.log(
  rows
    .map((r) => r["QUERY PLAN"])
    .join("\n")
    .replace(/\{[^}]{200,}\}/g, "{…}"),
);
await c.query("ROLLBACK");
await world.close();
await c.end();
