// The first bundle of a process, timed from before the compiler is loaded. Started by first-bundle.ts; prints milliseconds.
import { runInThisContext } from "node:vm";

const [, , compiler, file] = process.argv;
const start = performance.now();
const { bundleWorkflows } = await import(compiler);
const loaded = performance.now();
const { bundles } = await bundleWorkflows(file);
const done = performance.now();
const [bundle] = Object.values(bundles);
if (typeof runInThisContext(bundle.code) !== "function") throw new Error("The bundle is not a function.");
console.log(JSON.stringify({ totalMs: done - start, loadMs: loaded - start }));
