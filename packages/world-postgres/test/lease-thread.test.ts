import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { createLeaseThread, type LeaseThread, sharedNow } from "../src/lease-thread/lease-thread.ts";
import { createPostgresWorld } from "../src/postgres-world.ts";
import { warningsOf } from "./support/warnings.ts";

const url = await testPostgres();
const admin = new pg.Pool({ connectionString: url });
const renew =
  "UPDATE leases SET until = (extract(epoch FROM clock_timestamp()) * 1000)::int8 + $2::int8, times = times + 1 WHERE id = $1::int8";

beforeAll(async () => {
  await admin.query("CREATE TABLE leases (id int8 PRIMARY KEY, until int8 NOT NULL DEFAULT 0, times int4 NOT NULL DEFAULT 0)");
});
afterAll(() => admin.end());

let count = 0;
async function worker(): Promise<number> {
  await admin.query("INSERT INTO leases (id) VALUES ($1)", [++count]);
  return count;
}

async function timesOf(id: number): Promise<number> {
  const { rows } = await admin.query<{ times: number }>("SELECT times FROM leases WHERE id = $1", [id]);
  return rows[0]!.times;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function renewed(id: number, times = 1): Promise<void> {
  const before = await timesOf(id);
  while ((await timesOf(id)) < before + times) await pause(10);
}

/** Nothing else happens in this thread meanwhile. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function thread(options: Partial<Parameters<typeof createLeaseThread>[0]> = {}): LeaseThread {
  return createLeaseThread({ connection: { connectionString: url, application_name: "leases" }, renew, stuckMs: 60_000, ...options });
}

const connections = async (): Promise<readonly { readonly pid: number }[]> =>
  (
    await admin.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'leases' AND datname = current_database()",
    )
  ).rows;

/** Whether a renewal waits for a lock. */
async function isBlocked(): Promise<boolean> {
  const waiting =
    "SELECT FROM pg_stat_activity WHERE application_name = 'leases' AND datname = current_database() AND wait_event_type = 'Lock'";
  return (await admin.query(waiting)).rowCount! > 0;
}

async function noConnection(): Promise<void> {
  while ((await connections()).length > 0) await pause(10);
}

test("a lease is renewed while the event loop is blocked", async () => {
  const [leases, id] = [thread(), await worker()];
  leases.alive(id, 200);
  await renewed(id);
  const [times, at] = [await timesOf(id), sharedNow()];
  // However long this thread needs, the other one gets on.
  for (let blocked = 0; blocked < 30_000 && (leases.renewedAt(id) ?? 0) <= at + 1; blocked += 100) block(100);
  expect(leases.renewedAt(id)).toBeGreaterThan(at);
  expect(sharedNow()).toBeGreaterThanOrEqual(leases.renewedAt(id)!);
  expect(await timesOf(id)).toBeGreaterThan(times);
  await leases.close();
  await noConnection();
});

test("a worker that shows no sign of life for `stuckMs` is given up until it does", async () => {
  const [leases, id] = [thread({ stuckMs: 400 }), await worker()];
  const living = setInterval(() => leases.alive(id, 100), 20);
  await renewed(id, 3);
  clearInterval(living);
  let times: number;
  do {
    times = await timesOf(id);
    await pause(500);
  } while ((await timesOf(id)) > times);
  const livingAgain = setInterval(() => leases.alive(id, 100), 20);
  await renewed(id);
  clearInterval(livingAgain);
  await leases.close();
});

test("each worker of a World is kept for itself; one that is let go is renewed no more, and the thread ends with the last", async () => {
  const [leases, one, two] = [thread(), await worker(), await worker()];
  leases.alive(one, 100);
  leases.alive(two, 100);
  await Promise.all([renewed(one), renewed(two)]);
  // A renewal is under way when it is let go: that one still counts, and is the last.
  const lock = await admin.connect();
  await lock.query("BEGIN");
  const { rows } = await lock.query<{ times: number }>("SELECT times FROM leases WHERE id = $1 FOR UPDATE", [one]);
  while (!(await isBlocked())) await pause(10);
  const gone = leases.letGo(one);
  await lock.query("COMMIT");
  lock.release();
  await gone;
  await renewed(two, 5);
  expect(await timesOf(one)).toBe(rows[0]!.times + 1);
  expect(leases.renewedAt(one)).toBeNull();
  await leases.letGo(two);
  await noConnection();
  leases.alive(two, 100);
  await renewed(two);
  await leases.close();
  await noConnection();
});

test("a worker without a row gets none, and no renewal counts", async () => {
  const [leases, id, other] = [thread(), await worker(), await worker()];
  await admin.query("DELETE FROM leases WHERE id = $1", [id]);
  leases.alive(id, 100);
  leases.alive(other, 100);
  await renewed(other, 3);
  expect(leases.renewedAt(id)).toBeNull();
  expect((await admin.query("SELECT FROM leases WHERE id = $1", [id])).rowCount).toBe(0);
  await leases.close();
});

test("a connection that is lost is made anew", async () => {
  const [leases, id] = [thread(), await worker()];
  leases.alive(id, 200);
  for (let times = 0; times < 3; times++) {
    await renewed(id);
    for (const { pid } of await connections()) await admin.query("SELECT pg_terminate_backend($1)", [pid]);
  }
  await renewed(id);
  await leases.close();
});

test("a password that is a function is asked for with each connection", async () => {
  const { hostname, port, pathname, username, password } = new URL(url);
  let asked = 0;
  const connection = {
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
    user: username,
    application_name: "leases",
    password: async () => (++asked === 1 ? "wrong" : decodeURIComponent(password)),
  };
  const [leases, id] = [thread({ connection }), await worker()];
  leases.alive(id, 200);
  await renewed(id);
  expect(asked).toBe(2);
  await leases.close();
});

test("without a connection to be had, or with stuckMs 0, there is no thread", async () => {
  const id = await worker();
  for (const leases of [thread({ connection: null }), thread({ stuckMs: 0 })]) {
    leases.alive(id, 50);
    await pause(300);
    expect(leases.renewedAt(id)).toBeNull();
    await leases.letGo(id);
    await leases.close();
  }
  expect(await timesOf(id)).toBe(0);
});

test("a thread that cannot start is told of once, and nothing else fails: LEASE_THREAD_FAILED", async () => {
  const warnings = warningsOf("LEASE_THREAD_FAILED");
  const id = await worker();
  for (let times = 0; times < 2; times++) {
    const leases = thread({ connection: { connectionString: url, ssl: { checkServerIdentity: () => undefined } } });
    leases.alive(id, 50);
    leases.alive(id, 50);
    expect(leases.renewedAt(id)).toBeNull();
    await leases.letGo(id);
    await leases.close();
  }
  await pause(50);
  expect(warnings).toMatchObject([
    { message: expect.stringMatching(/cannot start .*could not be cloned.*Leases are kept by the main thread now/s) as string },
  ]);
});

test("a bound that is none is refused", () => {
  for (const stuckMs of [-1, Number.NaN]) {
    expect(() => createPostgresWorld({ url, stuckMs })).toThrow(expect.objectContaining({ code: "WORLD_INVALID_ARGUMENT" }));
  }
});
