import pg from "pg";
import { readFileSync } from "node:fs";
import { createPostgresWorld } from "./packages/world-postgres/dist/index.js";
const url = "postgres://postgres@127.0.0.1:55432/postgres";
const N = Number(process.env.N ?? 500),
  R = 20;
const id = (i, p = 0) => `0190${p.toString(16).padStart(4, "0")}-0000-7000-8000-${i.toString(16).padStart(12, "0")}`;
const row = Buffer.from("x".repeat(90));
const c = new pg.Client(url);
await c.connect();
await c.query(
  `DROP SCHEMA IF EXISTS perf CASCADE; DROP SCHEMA IF EXISTS bare CASCADE; CREATE SCHEMA bare; CREATE TABLE bare.history (run_id uuid, seq int4, fence int4, data bytea, PRIMARY KEY(run_id, seq))`,
);
const world = createPostgresWorld({ pool: { query: (q) => c.query(q) }, schema: "perf", notify: false });
await world.setup();
await world.heartbeat("w", 1e9);
const pid = (await c.query("select pg_backend_pid() p")).rows[0].p;
const cpu = () => {
  const f = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  return (Number(f[13]) + Number(f[14])) * 10;
};
const wal = async () => (await c.query("select pg_current_wal_insert_lsn() l")).rows[0].l;
const arr = (a) => `{${a.join(",")}}`;
const items = (p) => Array.from({ length: N }, (_, i) => id(i, p));
async function measure(name, f, per) {
  const w0 = await wal(),
    c0 = cpu(),
    n0 = process.cpuUsage(),
    t0 = performance.now();
  await f();
  const n = process.cpuUsage(n0);
  const ms = performance.now() - t0;
  const c1 = cpu();
  const d = (await c.query("select pg_wal_lsn_diff($1,$2) d", [await wal(), w0])).rows[0].d;
  console.log(
    name.padEnd(14),
    "pg us/row",
    (((c1 - c0) * 1000) / per).toFixed(1),
    "node us/row",
    ((n.user + n.system) / per).toFixed(1),
    "wal B/row",
    (d / per).toFixed(0),
    "wall us/row",
    ((ms * 1000) / per).toFixed(1),
  );
}
const mk = (p) =>
  world.createRuns(
    items(p).map((id) => ({ id, key: null, workflowId: "app/flows#order", version: "v".repeat(64), input: row, dueAt: null })),
    { owner: "w" },
  );
for (let round = 0; round < 3; round++) {
  const b = 10 + round * 10;
  await measure(
    "bare",
    async () => {
      for (let k = 1; k <= R; k++) {
        const its = items(b);
        await c.query({
          name: "bare",
          text: "INSERT INTO bare.history SELECT * FROM unnest($1::uuid[],$2::int4[],$3::int4[],$4::bytea[])",
          values: [arr(its), arr(its.map(() => k)), arr(its.map(() => 1)), `{${its.map(() => `"\\\\x${row.toString("hex")}"`).join(",")}}`],
        });
      }
    },
    N * R,
  );
  await measure("createRuns", () => mk(b + 1), N);
  await measure(
    "append",
    async () => {
      for (let k = 1; k <= R; k++) {
        const r = await world.commit(items(b + 1).map((runId) => ({ runId, worker: "w", fence: 1, base: k - 1, rows: [row] })));
        if (r.some((x) => x.status !== "committed")) throw new Error(JSON.stringify(r[0]));
      }
    },
    N * R,
  );
  await mk(b + 2);
  await measure(
    "2nd-lock append",
    async () => {
      for (let k = 1; k <= R; k++)
        await world.commit(items(b + 2).map((runId) => ({ runId, worker: "w", fence: 1, base: 2 * (k - 1), rows: [row, row] })));
    },
    N * R,
  );
  await measure(
    "patch note",
    async () => {
      for (let k = 1; k <= R; k++)
        await world.commit(
          items(b + 1).map((runId) => ({ runId, worker: "w", fence: 1, base: R + k - 1, rows: [row], patch: { note: "n" + k } })),
        );
    },
    N * R,
  );
  await measure(
    "patch due",
    async () => {
      for (let k = 1; k <= R; k++)
        await world.commit(
          items(b + 1).map((runId) => ({ runId, worker: "w", fence: 1, base: 2 * R + k - 1, rows: [row], patch: { dueAt: k * 1e6 } })),
        );
    },
    N * R,
  );
  await measure(
    "end",
    async () => {
      await world.commit(
        items(b + 1).map((runId) => ({
          runId,
          worker: "w",
          fence: 1,
          base: 3 * R,
          rows: [row],
          patch: { status: "completed", output: row },
        })),
      );
    },
    N,
  );
}
await world.close();
await c.end();
