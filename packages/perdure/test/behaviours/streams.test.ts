/** Streams, as users see them. */
import { expect } from "vitest";

import { getRun } from "../../src/api/index.ts";
import { getStepMetadata, getWritable } from "../../src/index.ts";
import { onEveryWorld } from "../support/behaviours.ts";
import { until } from "../support/lab.ts";

async function all(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

/** Workflow code that writes values to the run's stream. */
const write =
  "const write = async (...values) => { const writer = __perdure.getWritable().getWriter(); for (const value of values) await writer.write(value); writer.releaseLock() };";

onEveryWorld({
  "what workflow code writes is in the stream once, however often its process crashes": async (lab) => {
    const run = await lab.start(
      `async () => { ${write} for (const n of [1, 2, 3]) { await write("before " + n); await stuck(String(n)); await write("after " + n) } return "end" }`,
    );
    for (const n of [1, 2, 3]) {
      await lab.logged(`stuck ${n}`);
      await lab.crash();
    }
    expect(await run.returnValue).toBe("end");
    expect(await all(run.readable)).toEqual([1, 2, 3].flatMap((n) => [`before ${n}`, `after ${n}`]));
  },

  "what a step writes is read while the step runs": async (lab) => {
    let finish = (): void => undefined;
    lab.step("chat", async () => {
      const writer = getWritable<string>().getWriter();
      for (const token of ["once", "upon"]) await writer.write(token);
      await new Promise<void>((resolve) => (finish = resolve));
      await writer.write("a time");
      await writer.close();
      return "told";
    });
    const run = await lab.start("async () => chat()");
    const reader = run.readable.getReader();
    expect([(await reader.read()).value, (await reader.read()).value]).toEqual(["once", "upon"]);
    finish();
    expect([(await reader.read()).value, (await reader.read()).done]).toEqual(["a time", true]);
    expect(await run.returnValue).toBe("told");
  },

  "a step that is made again after a crash writes behind what it wrote before, and its attempts can be told apart": async (lab) => {
    let begun = 0;
    lab.step("chat", async () => {
      const writer = getWritable<string>().getWriter();
      await writer.write(`run ${++begun} of attempt ${getStepMetadata().attempt}`);
      writer.releaseLock();
      if (begun === 1) await new Promise(() => undefined);
    });
    const run = await lab.start("async () => chat()");
    await until(async () => (await run.readable.getTailIndex()) === 0, "the first chunk is durable");
    await lab.crash();
    await run.returnValue;
    expect(await all(run.readable)).toEqual(["run 1 of attempt 1", "run 2 of attempt 1"]);
  },

  "a reader that was cut off by a crash goes on at its index, in another process, after the run's end too": async (lab) => {
    const run = await lab.start(`async () => { ${write} await write(0, 1, 2, 3); await stuck("x"); await write(4, 5) }`, [], {
      id: "told",
    });
    await lab.logged("stuck x");
    const stream = run.getReadable<number>();
    const reader = stream.getReader();
    const seen = [(await reader.read()).value, (await reader.read()).value];
    const next = stream.nextIndex!;
    await lab.crash();
    expect([...seen, ...(await all(getRun("told").getReadable({ startIndex: next })))]).toEqual([0, 1, 2, 3, 4, 5]);
    await getRun("told").returnValue;
    expect(await all(getRun("told").getReadable({ startIndex: -2 }))).toEqual([4, 5]);
  },

  "a stream that was closed takes nothing more, and readers end while the run goes on": async (lab) => {
    const run = await lab.start(
      "async () => { const writer = __perdure.getWritable({ namespace: 'log' }).getWriter(); await writer.write('only'); await writer.close(); await createHook({ token: 'on' }) }",
    );
    expect(await all(run.getReadable({ namespace: "log" }))).toEqual(["only"]);
    await lab.waits(run, "hook on");
    await run.terminate();
    expect(await all(run.getReadable({ namespace: "log" }))).toEqual(["only"]);
  },

  "values and bytes come back as they were written": async (lab) => {
    const values = [new Uint8Array([0, 255]), { at: new Date(5) }, new Map([[1n, undefined]]), "text", null];
    lab.step("emit", async (list: unknown[]) => {
      const writer = getWritable().getWriter();
      for (const value of list) await writer.write(value);
    });
    const run = await lab.start("async (list) => emit(list)", [values]);
    await run.returnValue;
    expect(await all(run.readable)).toEqual(values);
  },
});
