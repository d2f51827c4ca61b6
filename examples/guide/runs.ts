import { publish, setAttributes } from "perdure";
import { start } from "perdure/api";

async function render(page: number) {
  "use step";
  return `page ${page}`;
}

export async function report(customer: string, pages: number) {
  "use workflow";
  setAttributes({ customer, stage: "rendering" });
  const rendered: string[] = [];
  for (let page = 1; page <= pages; page++) {
    rendered.push(await render(page));
    publish("progress", { done: page, of: pages });
  }
  setAttributes({ stage: null, pages });
  return rendered.join(", ");
}

const run = await start(report, ["Ada", 3]);

// What a browser would be shown: the value as it is now, then each change. Values in between may be left out.
let last: unknown;
for await (const progress of run.watch("progress")) last = progress;
console.log("watched to", last);

console.log(await run.returnValue);
console.log("stays:", await run.read("progress"));
console.log("never published:", await run.read("something else"));
console.log(await run.attributes);
