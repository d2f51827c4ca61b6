/**
 * The program of the thread, as text: bundlers would give it a file of its own or none, and helpers that it does not have; Node 20 cannot load TypeScript in a thread.
 *
 * It has one connection of its own, sends nothing but `renew`, and that only to a row that is there: whatever is late, no lease comes back after a worker was retired. For each worker that
 * it keeps there are three numbers in shared memory: when the worker last showed that it lives, by which it is given up, when the last renewal that succeeded
 * began (both by the clock that the threads of a process share, in milliseconds), and how long its lease is.
 *
 * A worker was renewed when the thread is told of it, so that the first renewal can wait, and a process that does not live for long needs no connection.
 *
 * Told: `{ keep: { id, shared } }`, `{ letGo: id }`, `{ password }`. Tells: `{ gone: id }` when nothing of that worker is under way any more, `{ askPassword: true }`.
 */
export const threadCode = String.raw`"use strict";
const { parentPort, workerData } = require("node:worker_threads");
const { pg, connection, asksPassword, renew, stuckMs } = workerData;
const { Client } = require(pg);

const now = () => Number(process.hrtime.bigint() / 1000000n);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** By the worker's id: { id, shared, isKept, wakes, wake }. */
const kept = new Map();
const leaseMsOf = ({ shared }) => Number(Atomics.load(shared, 2));
/** { client, ready }: the one connection; all renewals use it, one after another. */
let current = null;
let failures = 0;
let passwordAsked = null;

function password() {
  return new Promise((resolve) => {
    passwordAsked = resolve;
    parentPort.postMessage({ askPassword: true });
  });
}

function theConnection() {
  if (current) return current;
  // Short enough for another try before the lease is over, and longer each time, for a server that is slow.
  const shortestMs = Math.min(...Array.from(kept.values(), leaseMsOf));
  const patienceMs = Math.min(30000, Math.max(1000, shortestMs / 3) * 2 ** Math.min(failures, 5));
  const client = new Client({
    ...connection,
    ...(asksPassword && { password }),
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
  });
  client.on("error", () => lose(client));
  client.on("end", () => lose(client));
  current = { client, ready: client.connect() };
  current.ready.catch(() => lose(client));
  return current;
}

/** A connection that failed is closed at once: what is still on its way is not waited for. */
function lose(client) {
  if (!current || current.client !== client) return;
  current = null;
  client.connection.stream.destroy();
}

let last = Promise.resolve();

/** Resolves with whether it went well. */
function renewInTurn(worker) {
  last = last.then(() => renewOne(worker));
  return last;
}

/** Never rejects. */
async function renewOne(worker) {
  const startedAt = now();
  const { client, ready } = theConnection();
  try {
    await ready;
    if (!worker.isKept) return true;
    const { rowCount } = await client.query(renew, [worker.id, leaseMsOf(worker)]);
    failures = 0;
    if (rowCount > 0) Atomics.store(worker.shared, 1, BigInt(startedAt));
    return true;
  } catch {
    lose(client);
    failures++;
    return false;
  }
}

async function keep(worker) {
  // This thread has taken its time to start.
  let pauseMs = Math.max(0, Number(Atomics.load(worker.shared, 0)) + leaseMsOf(worker) * 0.3 - now());
  while (worker.isKept) {
    const timer = setTimeout(worker.wake, pauseMs);
    await new Promise((resolve) => (worker.wakes = resolve));
    clearTimeout(timer);
    if (!worker.isKept) break;
    const startedAt = now();
    const isAlive = startedAt - Number(Atomics.load(worker.shared, 0)) < stuckMs;
    const isRenewed = !isAlive || (await renewInTurn(worker));
    const backOffMs = Math.min(50 * 2 ** Math.min(failures, 7), leaseMsOf(worker)) * (0.5 + Math.random());
    pauseMs = isRenewed ? Math.max(1, startedAt + leaseMsOf(worker) * 0.3 - now()) : backOffMs;
  }
  kept.delete(worker.id);
  parentPort.postMessage({ gone: worker.id });
}

parentPort.on("message", (message) => {
  if (message.keep) {
    const worker = { ...message.keep, isKept: true, wakes: null, wake: () => worker.wakes && worker.wakes() };
    kept.set(worker.id, worker);
    void keep(worker);
  } else if (message.letGo !== undefined) {
    const worker = kept.get(message.letGo);
    if (!worker) return parentPort.postMessage({ gone: message.letGo });
    worker.isKept = false;
    worker.wake();
  } else if ("password" in message && passwordAsked) {
    passwordAsked(message.password);
    passwordAsked = null;
  }
});
`;
