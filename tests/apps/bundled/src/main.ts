import { start } from "perdure/api";
import { failInStep, failInWorkflow, fulfil } from "./order.ts";
import { Size } from "./size.ts";

const run = await start(fulfil, [{ customer: "Ada", sizes: [Size.Small, Size.Large] }]);
console.log(await run.returnValue);

for (const failing of [failInStep, failInWorkflow]) {
  const failed = await start(failing, ["Bob"]);
  const error = await failed.returnValue.catch((reason: Error) => reason);
  const { message, stack } = (error as Error).cause as Error;
  console.log(message, "at", /\w+\.ts:\d+:\d+/.exec(stack ?? "")?.[0]);
  if (process.env["SHOW_STACKS"] === "1") console.error(stack);
}

const { audit } = await import("./worker.ts");
console.log(await (await start(audit, [])).returnValue);
