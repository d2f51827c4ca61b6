import { getStepMetadata, getWritable } from "perdure";
import { getRun, start } from "perdure/api";

async function write(words: string[]) {
  "use step";
  const writer = getWritable<string>().getWriter();
  for (const word of words) await writer.write(word);
  await writer.close();
}

async function check(text: string, log: WritableStream<string>) {
  "use step";
  const writer = log.getWriter();
  await writer.write(`checked ${text.length} letters in attempt ${getStepMetadata().attempt}`);
  writer.releaseLock();
}

export async function compose(title: string) {
  "use workflow";
  await write([title, "and", "its", "end"]);
  const log = getWritable<string>({ namespace: "log" });
  const writer = log.getWriter();
  await writer.write("written"); // in workflow code: exactly once
  writer.releaseLock();
  await check(title, log); // a stream is a value
  return "done";
}

const run = await start(compose, ["The beginning"]);
for await (const word of run.readable) console.log(word);
console.log(await run.returnValue);

// Streams stay when the run is over, and are read from any chunk on.
const log = getRun(run.runId).getReadable<string>({ namespace: "log" });
for await (const line of log) console.log(`log: ${line}`);
const end = run.getReadable<string>({ startIndex: -1 });
for await (const word of end) console.log(`last: ${word}`);
