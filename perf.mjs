import pg from "pg";
import { createPostgresWorld } from "./packages/world-postgres/dist/index.js";
const url = process.env.URL ?? "postgres://postgres@127.0.0.1:55432/postgres";
const N = Number(process.env.N ?? 500),
  R = 10;
const id = (i, p = 0) => `0190${p.toString(16).padStart(4, "0")}-0000-7000-8000-${i.toString(16).padStart(12, "0")}`;
const row = Buffer.from(JSON.stringify([1, 2, ["step", "app/flows#x"], { ok: true, value: "abcdefghijkl" }]).padEnd(90, "x"));
const admin = new pg.Client(url);
await admin.connect();
await admin.query(
  `DROP SCHEMA IF EXISTS perf CASCADE; DROP SCHEMA IF EXISTS bare CASCADE; CREATE SCHEMA bare; CREATE TABLE bare.history (run_id uuid, seq int4, fence int4, data bytea, PRIMARY KEY(run_id, seq))`,
);
const world = createPostgresWorld({ url, schema: "perf" });
await world.setup();
await world.heartbeat("w", 1e9);
let gen = 0;
function batcher(flush, conns = 1, max = 1000) {
  let q = [],
    inflight = 0;
  const go = () => {
    while (inflight < conns && q.length) {
      const b = q.splice(0, max);
      inflight++;
      flush(b.map((x) => x.item))
        .then(
          () => {
            b.forEach((x) => x.res());
          },
          (e) => {
            console.error(e);
            process.exit(1);
          },
        )
        .finally(() => {
          inflight--;
          setImmediate(go);
        });
    }
  };
  return (item) =>
    new Promise((res) => {
      q.push({ item, res });
      if (q.length === 1) setImmediate(go);
    });
}
const pool = new pg.Pool({ connectionString: url, max: 4 });
const arr = (a) => `{${a.join(",")}}`;
const bareFlush = async (items) => {
  await pool.query({
    name: "bare",
    text: "INSERT INTO bare.history SELECT * FROM unnest($1::uuid[],$2::int4[],$3::int4[],$4::bytea[])",
    values: [
      arr(items.map((i) => i.id)),
      arr(items.map((i) => i.seq)),
      arr(items.map(() => 1)),
      `{${items.map(() => `"\\\\x${row.toString("hex")}"`).join(",")}}`,
    ],
  });
};
const worldFlush = async (items) => {
  const r = await world.commit(items);
  if (r.some((x) => x.status !== "committed")) {
    console.error(r.find((x) => x.status !== "committed"));
    process.exit(1);
  }
};
async function bare(conns) {
  gen++;
  const s = batcher(bareFlush, conns);
  const t = performance.now(),
    c = process.cpuUsage();
  await Promise.all(
    Array.from({ length: N }, async (_, i) => {
      for (let k = 1; k <= R; k++) await s({ id: id(i, gen), seq: k });
    }),
  );
  const ms = performance.now() - t;
  const u = process.cpuUsage(c);
  return [((N * R) / ms) * 1000, (u.user + u.system) / 1000 / ms];
}
async function ours(conns, last = false) {
  gen++;
  const g = gen;
  const s = batcher(worldFlush, conns);
  await world.createRuns(
    Array.from({ length: N }, (_, i) => ({
      id: id(i, g),
      key: null,
      workflowId: "app/flows#order",
      version: "v".repeat(64),
      input: row,
      dueAt: null,
    })),
    { owner: "w" },
  );
  const t = performance.now(),
    c = process.cpuUsage();
  await Promise.all(
    Array.from({ length: N }, async (_, i) => {
      for (let k = 1; k <= R; k++)
        await s({
          runId: id(i, g),
          worker: "w",
          fence: 1,
          base: k - 1,
          rows: [row],
          ...(last && k === R ? { patch: { status: "completed", output: row } } : {}),
        });
    }),
  );
  const ms = performance.now() - t;
  const u = process.cpuUsage(c);
  return [((N * R) / ms) * 1000, (u.user + u.system) / 1000 / ms];
}
const med = (a) => a.sort((x, y) => x[0] - y[0])[a.length >> 1];
const out = {};
for (const [name, f] of Object.entries({
  bare1: () => bare(1),
  bare2: () => bare(2),
  ours1: () => ours(1),
  ours2: () => ours(2),
  ends1: () => ours(1, true),
  ends2: () => ours(2, true),
}))
  out[name] = { f, v: [] };
for (let r = 0; r < 6; r++)
  for (const k of Object.values(out)) {
    const v = await k.f();
    if (r > 0) k.v.push(v);
  }
for (const [k, { v }] of Object.entries(out)) {
  const m = med(v);
  console.log(k, Math.round(m[0]), "rows/s, node cpu", m[1].toFixed(2));
}
// singles
let t = performance.now();
for (let i = 0; i < 300; i++) await bareFlush([{ id: id(i, 9999), seq: 1 }]);
console.log("bare single ms", (performance.now() - t) / 300);
await world.createRuns([{ id: id(1, 9998), key: null, workflowId: "a", version: "v", input: row, dueAt: null }], { owner: "w" });
t = performance.now();
for (let i = 0; i < 300; i++) await worldFlush([{ runId: id(1, 9998), worker: "w", fence: 1, base: i, rows: [row] }]);
console.log("ours single ms", (performance.now() - t) / 300);
t = performance.now();
for (let i = 0; i < 300; i++)
  await worldFlush([{ runId: id(1, 9998), worker: "w", fence: 1, base: 300 + i, rows: [row], patch: { dueAt: 5 } }]);
console.log("ours single patch ms", (performance.now() - t) / 300);
await world.close();
await pool.end();
await admin.end();
