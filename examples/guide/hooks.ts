import { TimeoutError, defineHook, scope } from "perdure";
import { getHookByToken, start } from "perdure/api";
import { HookPayloadInvalidError } from "perdure/errors";

interface Decision {
  readonly approved: boolean;
  readonly by: string;
}

/** Any Standard Schema will do: zod, valibot, arktype. This is one by hand. */
const decision = {
  "~standard": {
    version: 1 as const,
    vendor: "guide",
    validate: (value: unknown) =>
      typeof (value as Decision | null)?.approved === "boolean"
        ? { value: value as Decision }
        : { issues: [{ message: "must be true or false", path: ["approved"] }] },
  },
};

const approval = defineHook<Decision>({ schema: decision });
const questions = defineHook<{ item: string }>();

export async function refund(order: string) {
  "use workflow";
  try {
    const answer = await scope({ timeout: "14 days" }, () => approval.create({ token: `refund-${order}`, metadata: { order } }));
    return `${answer.approved ? "approved" : "refused"} by ${answer.by}`;
  } catch (error) {
    if (TimeoutError.is(error)) return "nobody decided";
    throw error;
  }
}

export async function counter(stock: number) {
  "use workflow";
  using hook = questions.create({ token: "counter" });
  for await (const request of hook.requests()) {
    stock -= 1;
    request.reply({ item: request.payload.item, left: stock }); // the sender waits for it
    if (stock === 0) break;
  }
  return "sold out";
}

/** What the route of a web server does when somebody presses the button. */
const decide = (order: string, payload: Decision) => approval.resume(`refund-${order}`, payload, { key: "the button" });

const order = (item: string) => questions.ask("counter", { item }, { timeout: "10s" });

/** A hook is there once the turn that opened it is durable. */
async function opened(token: string) {
  while (!(await getHookByToken(token).catch(() => null))) await new Promise((resolve) => setTimeout(resolve, 5));
}

const run = await start(refund, ["order-7"]);
await opened("refund-order-7");
console.log((await getHookByToken("refund-order-7")).metadata);
const refused = await decide("order-7", {} as Decision).catch((error: unknown) => error);
console.log(HookPayloadInvalidError.is(refused) && refused.message.split("\n")[0]);
await decide("order-7", { approved: true, by: "Grace" });
console.log(await run.returnValue);

const shop = await start(counter, [2]);
await opened("counter");
console.log(await order("lamp"), await order("chair"));
console.log(await shop.returnValue);
