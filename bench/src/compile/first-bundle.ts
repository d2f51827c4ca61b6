import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** How long a new process takes to its first bundle: from wanting one to having it, and how much of that is loading the compiler. */
export interface FirstBundle {
  readonly totalMs: number;
  readonly loadMs: number;
}

/** Ours. @param file the module with the workflow */
export function firstBundle(file: string): Promise<FirstBundle> {
  return inNewProcess("first-bundle.mjs", import.meta.resolve("@perdure/compiler/bundle"), file);
}

/** The peer's. @param builders the URL of its package */
export function firstBundleOfPeer(builders: string, root: string): Promise<FirstBundle> {
  return inNewProcess("first-bundle-of-peer.mjs", builders, root);
}

async function inNewProcess(script: string, ...args: string[]): Promise<FirstBundle> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...args], { env: { ...process.env, NODE_OPTIONS: "" } });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as FirstBundle;
}
