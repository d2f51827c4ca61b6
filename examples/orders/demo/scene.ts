import { setTimeout as delay } from "node:timers/promises";

import type { Customer } from "./customers.ts";
import { readLedgers } from "./ledgers.ts";
import { createRow, type Interruption } from "./rows.ts";
import { createLines } from "./screen-lines.ts";
import { createTable } from "./screen-table.ts";
import type { Screen } from "./screen.ts";
import type { ServerProcess } from "./server-process.ts";
import { createShopClient, type ListedOrder, type ShopClient } from "./shop-client.ts";

/** Everything around the server: the customers, the human who approves, and the screen on which you watch them. */
export interface Scene {
  readonly screen: Screen;
  readonly client: ShopClient;
  /** The server that runs now; null while it is dead. */
  server: ServerProcess | null;
  /** What is going on, for the screen. */
  headline: string;
  /** What is known of the orders, by id: what the shop said last. */
  readonly listed: Map<string, ListedOrder>;
  /** What the kill did, by order id. */
  readonly interruptions: Map<string, Interruption>;
  /** Resolves when every order has ended. Rejects after too long, when a customer was turned away, or when the screen breaks. */
  readonly ended: Promise<void>;
}

const lookEveryMs = 100;
const thinkMs = 1000;
const askAgainMs = 1000;
const patienceMs = 90_000;

/** Opens the doors: customers order and large orders are approved from now on, whether or not there is a server. */
export function openScene(server: ServerProcess, customers: readonly Customer[], ledgerFolder: string): Scene {
  let url = server.url;
  const scene: Scene = {
    screen: process.stdout.isTTY ? createTable() : createLines(),
    client: createShopClient(() => (url = scene.server?.url ?? url)),
    server,
    headline: "",
    listed: new Map(),
    interruptions: new Map(),
    ended: Promise.resolve(),
  };
  const watching = watch(scene, customers, ledgerFolder);
  const ended = Promise.all([watching, ...customers.map((customer) => order(customer, scene.client))]).then(() => undefined);
  return Object.assign(scene, { ended });
}

/** A customer orders, and orders the same again until there is an answer. */
async function order(customer: Customer, client: ShopClient): Promise<void> {
  await delay(customer.orderAtMs);
  for (;;) {
    customer.sent++;
    const status = await client.submit(customer.order);
    if (status === 202) break;
    if (status !== null) throw new Error(`The shop answered order ${customer.order.id} with ${status}.`);
    await delay(askAgainMs);
  }
  customer.isAnswered = true;
}

/** Looks at the shop again and again, approves what waits for it, and shows how things stand. */
async function watch(scene: Scene, customers: readonly Customer[], ledgerFolder: string): Promise<void> {
  const { listed } = scene;
  const waitingSince = new Map<string, number>();
  const giveUpAt = Date.now() + patienceMs;
  while (Date.now() < giveUpAt) {
    for (const order of (await scene.client.list()) ?? []) listed.set(order.id, order);
    const areAllEnded = customers.every(({ order }) => (listed.get(order.id)?.status ?? "running") !== "running");
    if (areAllEnded) scene.headline = "all orders have ended";
    show(scene, customers, ledgerFolder);
    if (areAllEnded) return;
    for (const id of tiredOfWaiting(listed, waitingSince)) await scene.client.decide(id, { approved: true, by: "the demo" });
    await delay(lookEveryMs);
  }
  const open = customers.filter(({ order }) => listed.get(order.id)?.status !== "completed").map(({ order }) => order.id);
  throw new Error(`After ${patienceMs / 1000} s these orders are still open: ${open.join(", ")}.`);
}

/** Orders that have waited long enough for somebody to have looked at them. */
function tiredOfWaiting(listed: ReadonlyMap<string, ListedOrder>, waitingSince: Map<string, number>): string[] {
  const waiting = [...listed.values()].filter(({ status, note }) => status === "running" && note?.includes("hook approval-"));
  for (const { id } of waiting) if (!waitingSince.has(id)) waitingSince.set(id, Date.now());
  return waiting.map(({ id }) => id).filter((id) => Date.now() - (waitingSince.get(id) ?? 0) > thinkMs);
}

function show(scene: Scene, customers: readonly Customer[], ledgerFolder: string): void {
  const { attempts } = readLedgers(ledgerFolder);
  const rows = customers.map((customer) => {
    const { id } = customer.order;
    return createRow({
      customer,
      listed: scene.listed.get(id),
      attempts: attempts.filter((entry) => entry.runId === `order-${id}`),
      interruption: scene.interruptions.get(id),
      pid: scene.server?.pid ?? null,
    });
  });
  scene.screen.update({ headline: scene.headline, rows });
}
