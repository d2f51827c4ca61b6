import { createWebhook, type RequestWithResponse } from "perdure";
import { getHookByToken, start } from "perdure/api";
import { createHandler } from "perdure/http";

interface Payment {
  readonly paid: number;
}

async function book(request: RequestWithResponse, left: number) {
  "use step"; // may take its time, and answers when it likes
  const { paid } = (await request.json()) as Payment;
  await request.respondWith(Response.json({ left: left - paid }));
  return paid;
}

export async function collect(order: string, price: number) {
  "use workflow";
  using webhook = createWebhook({ token: `pay-${order}`, respondWith: "manual" });
  let left = price;
  for await (const request of webhook) {
    left -= await book(request, left);
    if (left <= 0) return `paid at ${webhook.url}`;
  }
  return "never";
}

/** To be mounted in a server: a function from `Request` to `Promise<Response>`. */
const handler = createHandler({
  authorize: (request, access) => access.kind === "manifest" && request.headers.get("authorization") === "Bearer secret",
});

const run = await start(collect, ["7", 30]);
while (!(await getHookByToken("pay-7").catch(() => null))) await new Promise((resolve) => setTimeout(resolve, 5));

const base = "http://localhost/.well-known/workflow/v1";
for (const paid of [10, 20]) {
  const answer = await handler(new Request(`${base}/webhook/pay-7`, { method: "POST", body: JSON.stringify({ paid }) }));
  console.log(answer.status, await answer.json());
}
console.log(await run.returnValue);

const late = await handler(new Request(`${base}/webhook/pay-7`, { method: "POST", body: "{}" }));
console.log(late.status, await late.json());
console.log((await handler(new Request(`${base}/manifest`))).status);
