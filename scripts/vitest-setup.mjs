// Runs once before the tests: what git ignores and the sources need.
export { generateKernel as setup } from "./generate-kernel.mjs";
