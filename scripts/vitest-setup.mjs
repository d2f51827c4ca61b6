// Runs once before the tests: what git ignores and the sources need, and the servers that tests may ask for.
import { generateKernel } from "./generate-kernel.mjs";
import { serveTestServers } from "./test-servers.mjs";

/** What it returns runs after the tests. */
export default async function setup() {
  await generateKernel();
  return serveTestServers();
}
