import { sleep } from "perdure";
import { start } from "perdure/api";

async function shout(text: string): Promise<string> {
  "use step";
  return text.toUpperCase();
}

export async function greet(name: string): Promise<string> {
  "use workflow";
  await sleep("50ms");
  return shout(`hello ${name}`);
}

const run = await start(greet, ["world"]);
console.log(await run.returnValue);
