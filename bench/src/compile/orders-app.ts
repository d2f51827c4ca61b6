import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const orders = fileURLToPath(new URL("../../../examples/orders/", import.meta.url));
const workflowFile = "src/fulfil-order.ts";
const helperFile = "src/approval.ts";
/** Of the example, what its workflow reaches; the server and the demo are not of interest. */
const parts = ["package.json", workflowFile, helperFile, "src/attempt-log.ts", "src/order.ts", "src/config.ts", "src/outside"];

/** A copy of the example that can be edited. */
export interface OrdersApp {
  readonly root: string;
  /** The module with the workflow. */
  readonly file: string;
  /** Changes a helper that the workflow uses, to something new each time: then its bundle has to change too. */
  edit(): void;
}

/** @param sdk from which package the copy imports `sleep` and the like; @param nodeModules where packages are found */
export function copyOrders(root: string, sdk: string, nodeModules: string): OrdersApp {
  for (const part of parts) cpSync(path.join(orders, part), path.join(root, part), { recursive: true });
  mkdirSync(root, { recursive: true });
  symlinkSync(nodeModules, path.join(root, "node_modules"));
  for (const name of readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })) {
    const file = path.join(root, "src", name);
    if (name.endsWith(".ts")) writeFileSync(file, readFileSync(file, "utf8").replaceAll('from "perdure"', `from "${sdk}"`));
  }
  const helper = path.join(root, helperFile);
  const original = readFileSync(helper, "utf8");
  let edits = 0;
  return {
    root,
    file: path.join(root, workflowFile),
    edit() {
      const edited = original.replace("return `approval-", `return \`approval-${++edits}-`);
      if (edited === original) throw new Error(`${helperFile} of the example has no approvalToken() any more that could be edited.`);
      writeFileSync(helper, edited);
    },
  };
}
