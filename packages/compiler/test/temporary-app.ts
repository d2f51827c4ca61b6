import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";

/** The two sides of `perdure`, as far as compiled code knows them. */
const runtime = {
  "node_modules/perdure/package.json": JSON.stringify({
    name: "perdure",
    type: "module",
    sideEffects: false,
    exports: {
      ".": { workflow: "./workflow/index.js", default: "./index.js" },
      "./internal": { workflow: "./workflow/internal.js", default: "./internal.js" },
    },
  }),
  "node_modules/perdure/index.js": "export const sleep = async () => {};",
  "node_modules/perdure/internal.js": `
    const registry = (globalThis.registry ??= new Map());
    export const step = (id, fn, name) => (registry.set(id, { kind: "step", fn, name }), fn);
    export const closureStep = (id, factory, name) => void registry.set(id, { kind: "closureStep", factory, name });
    export const workflow = (id, fn, name, bundle) => (registry.set(id, { kind: "workflow", fn, name, bundle }), fn);
    export const registerClass = (id, fn) => (registry.set(id, { kind: "class", fn }), fn);
    export const workflowCalled = (id) => new Error("workflow called: " + id);`,
  "node_modules/perdure/workflow/index.js": ["sleep", "createHook", "defineHook", "withOptions"]
    .map((name) => `export const ${name} = /* @__PURE__ */ (() => __perdure.${name})();`)
    .join("\n"),
  "node_modules/perdure/workflow/internal.js": ["callStep", "registerClass"]
    .map((name) => `export const ${name} = /* @__PURE__ */ (() => __perdure.${name})();`)
    .join("\n"),
};

/** An application in a temporary folder. */
export interface TemporaryApp {
  root: string;
  file(name: string): string;
  read(name: string): string;
  write(files: Record<string, string>): void;
}

/** Writes an application named `shop`, with a stand-in for the runtime, which goes when the test is done. */
export function createApp(files: Record<string, string>): TemporaryApp {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), "perdure-compiler-")));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const file = (name: string) => path.join(root, name);
  const write = (contents: Record<string, string>) => {
    for (const [name, text] of Object.entries(contents)) {
      mkdirSync(path.dirname(file(name)), { recursive: true });
      writeFileSync(file(name), text);
    }
  };
  write({ "package.json": JSON.stringify({ name: "shop", type: "module" }), ...runtime, ...files });
  return { root, file, read: (name) => readFileSync(file(name), "utf8"), write };
}

/** Evaluates a bundle as the runtime does, and returns its workflow. */
export function evaluate(code: string, perdure: Record<string, unknown>): (...args: unknown[]) => Promise<unknown> {
  // eslint-disable-next-line no-eval
  return (0, eval)(code)(perdure) as (...args: unknown[]) => Promise<unknown>;
}
