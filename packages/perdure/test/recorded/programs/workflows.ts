/** Programs whose histories are recorded: between them they do everything that leaves a trace in a history. What they return is compared by every later release. */
import {
  CancelledError,
  continueAsNew,
  createHook,
  createWebhook,
  defineHook,
  FatalError,
  getWorkflowMetadata,
  getWritable,
  patched,
  publish,
  saga,
  scope,
  setAttributes,
  shield,
  sleep,
  spawn,
  withOptions,
} from "perdure";
import { getRun, start } from "perdure/api";
import { answer, count, echo, flaky, hang, later, listen, refuse, write } from "./steps.ts";

const year = 365 * 24 * 60 * 60 * 1000;

/** Errors by what a replay must give again: the texts of the runtime's own may change. */
const told = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return `${error.constructor.name}: ${typeof code === "string" ? code : error.message}`;
};

export async function steps(name: string) {
  "use workflow";
  const seen: unknown[] = [await echo(name)];
  seen.push(await Promise.all([echo(1), flaky("two"), echo(3)]));
  seen.push(await Promise.race([flaky("slow"), echo("fast")]));
  seen.push(await Promise.any([refuse("no"), flaky("yes")]));
  seen.push((await Promise.allSettled([echo("kept"), refuse("lost")])).map(({ status }) => status));
  for (let round = 0; round < 3; round++) if (Math.random() < 0.7) seen.push(await echo(round));
  void echo("not awaited");
  seen.push(await withOptions(flaky, { retry: { maxAttempts: 5, initialDelay: 1 }, timeout: "1 minute" })("patient"));
  seen.push(await withOptions(echo, { atMostOnce: true })("once"));
  try {
    await refuse("the card");
  } catch (error) {
    seen.push(told(error), told((error as Error).cause), (error as Error).cause);
  }
  return seen;
}

export async function captures(factor: number) {
  "use workflow";
  const names = new Map([["a", factor]]);
  const scale = async (value: number) => {
    "use step";
    return value * factor + (names.get("a") ?? 0);
  };
  const results = [await scale(1), await scale(2)];
  async function label(text: string) {
    "use step";
    return `${text}: ${results.length}`;
  }
  return [...results, await label("scaled")];
}

export async function chance() {
  "use workflow";
  const before = Date.now();
  const own = [Math.random(), crypto.randomUUID(), ...crypto.getRandomValues(new Uint8Array(4))];
  await sleep(5);
  const { workflowRunId, workflowName, workflowStartedAt } = getWorkflowMetadata();
  return {
    own,
    passed: await echo([Math.random(), new Date(before).toISOString(), performance.now() > 0]),
    later: [Math.random(), new Date(), crypto.randomUUID()],
    metadata: [workflowRunId, workflowName, workflowStartedAt],
  };
}

class Money {
  readonly cents: number;

  constructor(cents: number) {
    this.cents = cents;
  }

  plus(other: Money) {
    return new Money(this.cents + other.cents);
  }

  static [Symbol.for("workflow-serialize")](money: Money) {
    return { cents: money.cents };
  }

  static [Symbol.for("workflow-deserialize")]({ cents }: { cents: number }) {
    return new Money(cents);
  }
}

class OutOfStock extends Error {
  readonly item: string;

  constructor(item: string, options?: ErrorOptions) {
    super(`${item} is out of stock`, options);
    this.name = "OutOfStock";
    this.item = item;
  }
}

export async function values(given: { map: Map<string, Date>; missing: undefined }): Promise<unknown> {
  "use workflow";
  const circle: { name: string; self?: unknown } = { name: "circle" };
  circle.self = circle;
  const sparse = [1, undefined, 3];
  const all = {
    given,
    circle,
    sparse,
    numbers: [Number.NaN, Number.POSITIVE_INFINITY, -0, 1e300, 2n ** 70n],
    set: new Set([1, "1", null]),
    regexp: /a+b/gi,
    bytes: new Uint8Array([1, 2, 255]),
    floats: new Float64Array([0.5, -1]),
    buffer: new ArrayBuffer(2),
    url: new URL("https://example.test/a?b=1#c"),
    query: new URLSearchParams("x=1&y=2"),
    headers: new Headers({ accept: "text/plain" }),
    bare: Object.assign(Object.create(null) as object, { bare: true }),
    error: new TypeError("wrong", { cause: new OutOfStock("lamp") }),
    many: new AggregateError([new Error("one"), "two"], "both"),
    stopped: new DOMException("stopped", "AbortError"),
    money: new Money(250),
    text: "snowman ☃, pair 😀, line\nbreak",
  };
  const back = await echo(all);
  const sum = back.money.plus(all.money);
  return { back, sum, isInstance: sum instanceof Money, day: back.given.map.get("day")?.toISOString(), step: echo, workflow: captures };
}

export async function requests() {
  "use workflow";
  const made = new Request("https://example.test/pay", { method: "POST", body: "30", headers: { "x-order": "7" } });
  const back = await echo(made);
  const answer = await echo(new Response("done", { status: 201 }));
  return [back.method, back.url, back.headers.get("x-order"), answer.status, answer];
}

export async function waits() {
  "use workflow";
  const at: number[] = [];
  const began = Date.now();
  const tick = () => at.push(Date.now() - began);
  await sleep(5);
  tick();
  await sleep(new Date(Date.now() + 5));
  tick();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      tick();
      if (at.length < 4) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
  const kept = setTimeout(tick, 1_000_000);
  clearTimeout(kept);
  await Promise.race([sleep("1 hour"), sleep(10).then(tick)]);
  // (Ended by `wakeUp()`.)
  await sleep("300 days");
  tick();
  return at;
}

const questions = defineHook<{ item: string }>();

export async function hooks(token: string) {
  "use workflow";
  using named = createHook<string>({ token, metadata: { shown: true } });
  const taken = await createHook({ token: `${token} taken` }).then(String, told);
  const heard: string[] = [];
  for await (const text of named) {
    heard.push(text);
    if (text === "enough") break;
  }
  {
    using desk = questions.create({ token: `${token} desk` });
    let left = 2;
    for await (const request of desk.requests()) {
      request.reply({ item: request.payload.item, left: --left });
      if (left === 0) break;
    }
  }
  const own = createHook<number>();
  publish("token", own.token);
  const number = await own;
  own.dispose();
  return { taken, heard, number, disposed: await own.then(String, told), hasOwn: own.token.length };
}

/** Holds a token. */
export async function holder(token: string) {
  "use workflow";
  return createHook({ token });
}

export async function webhooks(token: string) {
  "use workflow";
  using plain = createWebhook({ token: `${token} plain` });
  const first = await plain;
  using manual = createWebhook({ token: `${token} manual`, respondWith: "manual" });
  const second = await manual;
  const body = await second.text();
  await second.respondWith(new Response(`got ${body}`, { status: 201 }));
  await answer(await manual, "by a step");
  return [first.method, await first.json(), second.headers.get("x-order"), body, manual.url];
}

export async function leaf(name: string, fails = false) {
  "use workflow";
  const text = await echo(name);
  if (fails) throw new FatalError(`${text} fell`);
  return `${text} grew`;
}

export async function children(key: string) {
  "use workflow";
  const run = await start(leaf, ["one"]);
  const named = await start(leaf, ["two"], { id: `${key}/two`, ifExists: "fail", attributes: { kind: "leaf" } });
  const refused = await start(leaf, ["again"], { id: `${key}/two`, ifExists: "fail" })
    .then((run) => run.returnValue)
    .catch(told);
  const falls = await start(leaf, ["three", true]);
  const away = await start(leaf, ["four"], { parentClosePolicy: "abandon" });
  const spawned = spawn(leaf, ["five"]);
  const held = spawn(holder, [`${key} held`]);
  const ended = held.result.then(String, told);
  await echo("between");
  held.cancel("enough");
  const own = await start(holder, [`${key} own`]);
  const stopped = own.returnValue.then(String, told);
  await own.cancel({ reason: "no more" });
  return {
    ids: [run.runId, away.runId],
    values: [await run.returnValue, await named.returnValue, await spawned.result, await getRun<string>(away.runId).returnValue],
    errors: [refused, await falls.returnValue.catch(told), await ended, await stopped],
    missing: await getRun(`${key}/nobody`).returnValue.catch(told),
  };
}

export async function pages(page: number, seen: number[]): Promise<number[]> {
  "use workflow";
  seen.push(await echo(page));
  if (page === 2) return seen;
  return continueAsNew<typeof pages>([page + 1, seen]);
}

export async function cancelled(name: string) {
  "use workflow";
  const log: string[] = [];
  try {
    await scope({ timeout: 5 }, () => sleep("1 hour")).catch((error: unknown) => log.push(told(error)));
    await scope({}, async (own) => {
      const pending = hang("in a scope");
      pending.catch(() => undefined);
      await echo("before");
      own.cancel("enough");
      return pending;
    }).catch((error: unknown) => log.push(told(error)));
    await scope({}, () => Promise.all([sleep("1 day"), refuse("ends the scope")])).catch((error: unknown) => log.push(told(error)));
    publish("ready", name);
    await sleep("300 days");
  } catch (error) {
    log.push(String(CancelledError.is(error)), told((error as Error).cause));
    throw error;
  } finally {
    await shield(async () => publish("log", [...log, await echo("cleaned up")]));
  }
}

export async function compensated(name: string) {
  "use workflow";
  const undone: string[] = [];
  return saga(async (compensate) => {
    await echo(`${name} room`);
    compensate(async () => undone.push(await echo("room undone")));
    await echo(`${name} seat`);
    compensate(async () => undone.push(await echo("seat undone")));
    await refuse("the card was declined");
  });
}

export async function published(name: string) {
  "use workflow";
  publish("progress", { name, at: 1 });
  setAttributes({ name, pages: 1 });
  await echo(name);
  publish("progress", { name, at: 2 });
  setAttributes({ pages: null, done: true });
  const log = getWritable<string>({ namespace: "log" });
  const writer = log.getWriter();
  await writer.write("from the workflow");
  await writer.write("twice");
  writer.releaseLock();
  await write(["from", "a step"]);
  const last = log.getWriter();
  await last.close();
  return { name, log: getWritable({ namespace: "other" }) };
}

export async function changed(order: string) {
  "use workflow";
  const seen: string[] = [];
  for (let round = 0; round < 2; round++) if (patched("audit-2026")) seen.push(await echo(`audit ${round}`));
  seen.push(await echo(order));
  if (patched("tax")) seen.push("taxed");
  return seen;
}

export async function signals() {
  "use workflow";
  const controller = new AbortController();
  const listening = spawn(listen, [controller.signal]);
  await echo("listens");
  controller.abort("heard");
  const inScope = scope({}, async (own) => {
    const heard = shield(() => listen(own.signal));
    await echo("again");
    own.cancel("over");
    return heard;
  });
  return [await listening.result, await inScope.catch(told), controller.signal.aborted];
}

/** Of which a fork is made behind its second step. */
export async function forked(name: string) {
  "use workflow";
  const before = [Math.random(), await echo(`${name} 1`), await echo(`${name} 2`)];
  return [...before, Math.random(), await echo(crypto.randomUUID()), (await start(leaf, [name])).runId];
}

/** Fails the first time, and is rewound. */
export async function mended(key: string) {
  "use workflow";
  const both = await Promise.allSettled([echo("kept"), start(leaf, [key]).then((run) => run.returnValue)]);
  return [both.map(({ status }) => status), await onceMended(key)];
}

const broken = new Set<string>();

async function onceMended(key: string) {
  "use step";
  if (broken.has(key)) return "mended";
  broken.add(key);
  throw new FatalError("broken");
}

/** Never yields. */
export async function endless() {
  "use workflow";
  await echo("then");
  for (;;) Math.random();
}

export async function openStep(name: string) {
  "use workflow";
  return hang(name, await echo(Math.random()), { when: new Date(0) });
}

export async function openRetry(name: string) {
  "use workflow";
  return later(name, [1, 2]);
}

export async function openOnce(name: string) {
  "use workflow";
  return withOptions(hang, { atMostOnce: true })(name);
}

export async function openProgress(upTo: number) {
  "use workflow";
  return count(upTo);
}

export async function openSleep() {
  "use workflow";
  await sleep(year);
  return "awake";
}

export async function openTimer() {
  "use workflow";
  return scope({ timeout: year }, () => new Promise((resolve) => setTimeout(resolve, year * 2, "rang")));
}

export async function openHooks(token: string) {
  "use workflow";
  const answers = [createHook({ token }), createHook(), createWebhook({ respondWith: "manual" })];
  return Promise.all(answers);
}

export async function openRuns(key: string) {
  "use workflow";
  const own = await start(holder, [`${key} open`]);
  const other = getRun(key).returnValue;
  const spawned = spawn(holder, [`${key} spawned`]);
  return Promise.all([own.returnValue, other, spawned.result]);
}

export async function openNothing() {
  "use workflow";
  return new Promise(() => undefined);
}
