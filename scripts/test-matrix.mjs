// `npm run test:matrix [-- 22 24]`: runs the tests with other Node versions, and with every PostgreSQL that is installed (`PERDURE_TEST_MATRIX=all`). The binaries are npm packages, kept in
// node_modules/.cache/node-<version>, apart from the repository's dependencies. Build first (`npm run build`).
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { npm, root, run } from "./run.mjs";

const versions = process.argv.slice(2).filter((argument) => /^\d+(\.\d+)*$/.test(argument));
const { platform, arch } = process;
const packageName = `node-${platform === "win32" ? "win" : platform}-${arch}`;

/** Installs one Node version if it is not there yet. Returns the path of its binary. */
function installNode(version) {
  const folder = join(root, "node_modules/.cache", `node-${version}`);
  const binary = join(folder, "node_modules", packageName, platform === "win32" ? "bin/node.exe" : "bin/node");
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n'); // else npm would look for the package above
    npm("install", "--prefix", folder, "--no-save", "--no-package-lock", "--no-audit", "--no-fund", `${packageName}@${version}`);
  }
  return binary;
}

let failures = 0;
for (const version of versions.length > 0 ? versions : ["22", "24"]) {
  const binary = installNode(version);
  console.log(`\nNode ${version}: ${binary}`);
  const PATH = `${dirname(binary)}${delimiter}${process.env.PATH}`;
  failures += run(binary, ["node_modules/vitest/vitest.mjs", "run"], { env: { PATH, PERDURE_TEST_MATRIX: "all" } }) === 0 ? 0 : 1;
}
process.exitCode = failures === 0 ? 0 : 1;
