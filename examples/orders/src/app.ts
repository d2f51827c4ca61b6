import { Hono } from "hono";
import { getRun, start, type Run } from "perdure/api";
import { HookNotFoundError, PerdureError } from "perdure/errors";
import { getWorld } from "perdure/runtime";

import { approval, approvalToken, type Decision } from "./approval.ts";
import { fulfilOrder, type Fulfilment } from "./fulfil-order.ts";
import { InvalidInput, parseOrder } from "./order.ts";

/** The HTTP side of the service. It holds no state: every answer comes from the World. */
export const app = new Hono();

/** An order is a run with this id, so that the order's id alone leads to it. */
const runIdOf = (orderId: string) => `order-${orderId}`;
const orderIdOf = (runId: string) => runId.slice("order-".length);

// Whoever gets no answer sends the order again: a second start with the same id is the run that exists.
app.post("/orders", async (c) => {
  const order = parseOrder(await c.req.json());
  const run = await start(fulfilOrder, [order], { id: runIdOf(order.id) });
  return c.json({ id: order.id, status: await run.status }, 202);
});

// The newest hundred; `?cursor=` continues.
app.get("/orders", async (c) => {
  const world = await getWorld();
  const cursor = c.req.query("cursor");
  const page = await world.query.runs(cursor === undefined ? {} : { cursor });
  const orders = page.runs.map(({ key, status, note }) => ({ id: orderIdOf(key ?? ""), status, note }));
  return c.json({ orders, cursor: page.cursor });
});

app.get("/orders/:id", async (c) => {
  const id = c.req.param("id");
  const run = getRun<Fulfilment>(runIdOf(id));
  return c.json({ id, status: await run.status, note: await run.note, ...(await endOf(run)) });
});

// The decision is in the World before the answer goes out, and reaches the workflow even if this process ends now.
app.post("/orders/:id/approval", async (c) => {
  const id = c.req.param("id");
  await getRun(runIdOf(id)).status; // 404 for an order that does not exist
  const decision = (await c.req.json()) as Decision; // the hook's schema checks it
  try {
    await approval.resume(approvalToken(id), decision, { key: `decision-on-${id}` });
  } catch (error) {
    if (!HookNotFoundError.is(error)) throw error;
    return c.json({ error: { code: "NOT_WAITING", message: `Order ${id} does not wait for an approval.` } }, 409);
  }
  return c.json({ id, accepted: true }, 202);
});

/** The result or the error of a run that has ended; nothing while it is open. */
async function endOf(run: Run<Fulfilment>): Promise<{ result: Fulfilment } | { error: string } | null> {
  const status = await run.status;
  if (status === "pending" || status === "running") return null;
  try {
    return { result: await run.returnValue };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

app.onError((error, c) => {
  if (error instanceof SyntaxError) return c.json({ error: { code: "INVALID_JSON", message: error.message } }, 400);
  if (error instanceof InvalidInput) return c.json({ error: { code: "INVALID_ORDER", message: error.message } }, 400);
  switch (PerdureError.is(error) && error.code) {
    case "RUN_NOT_FOUND":
      return c.json({ error: { code: "ORDER_NOT_FOUND", message: "There is no such order." } }, 404);
    case "HOOK_PAYLOAD_INVALID":
      return c.json({ error: { code: "INVALID_DECISION", message: error.message } }, 400);
  }
  console.error(error);
  return c.json({ error: { code: "INTERNAL", message: "Something went wrong here; try again." } }, 500);
});

app.notFound((c) => c.json({ error: { code: "NOT_FOUND", message: `There is no ${c.req.method} ${c.req.path}.` } }, 404));
