import { AsyncLocalStorage } from "node:async_hooks";
import { sleep } from "perdure";
import { start } from "perdure/api";
import { type Span, type Tracer, type WorkerEvent, logObserver, setObservers, traceObserver } from "perdure/worker";

async function charge(amount: number) {
  "use step";
  if (amount > 100) throw new Error("the card was declined");
  return amount;
}
charge.options = { retry: { maxAttempts: 2, initialDelay: "5ms" } };

export async function order(amount: number) {
  "use workflow";
  await charge(amount);
  await sleep("1 hour");
}

/** Counts, for a dashboard. */
const counts = new Map<string, number>();
const count = (event: WorkerEvent) => {
  const what = event.type === "attempt_settled" ? `attempt ${event.outcome}` : event.type === "run_ended" ? `run ${event.status}` : null;
  if (what) counts.set(what, (counts.get(what) ?? 0) + 1);
};

/** Log lines: what went wrong, in the words of the logger that you have. */
const quiet = () => undefined;
const log = logObserver({ debug: quiet, info: quiet, warn: quiet, error: (line) => console.log(line.split("\n")[0]) });

/** Spans: `trace.getTracer("shop")` of @opentelemetry/api in a service, this one here. */
const active = new AsyncLocalStorage<string>();
const spans: string[] = [];
const span: Span = { setAttribute: () => undefined, setStatus: () => undefined, recordException: () => undefined, end: () => undefined };
const tracer: Tracer = {
  startSpan: (name) => (spans.push(name), span),
  startActiveSpan: (name, _options, begin) => (spans.push(name), active.run(name, () => begin(span))),
};

setObservers([{ observe: count }, log, traceObserver(tracer)]);

const failing = await start(order, [250], { id: "order-1" });
await failing.returnValue.catch(() => undefined);
console.log("note:", await failing.note);

const waiting = await start(order, [30], { id: "order-2" });
while (!(await waiting.waits).some(({ kind }) => kind === "wait")) await new Promise((resolve) => setTimeout(resolve, 5));
for (const { kind, operation, since, until } of await waiting.waits)
  console.log({ kind, operation, since: since <= new Date(), until: !!until });
for await (const { seq, type, asked } of waiting.events()) console.log(seq, type, "→", asked.join(", "));
await waiting.cancel();
await waiting.returnValue.catch(() => undefined);

console.log(Object.fromEntries([...counts].sort()));
console.log([...new Set(spans)].sort());
