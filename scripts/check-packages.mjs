// Checks every package as users get it: packs it (after `npm run build`), then asks publint and "are the types wrong", and looks at the
// files: no tests, a licence, a README, and for each source map the sources that it names.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { pack } from "./pack.mjs";
import { node, root } from "./run.mjs";

const isTest = (path) => /(^|\/)(tests?|fixtures|__snapshots__)\/|\.(test|spec)\./.test(path);

/** What is wrong with the files of a tarball. */
function fileProblems(folder, files) {
  const present = new Set(files);
  const problems = files.filter(isTest).map((path) => `${path} is a test`);
  for (const path of ["README.md", "LICENSE", "package.json"]) {
    if (!present.has(path)) problems.push(`${path} is missing`);
  }
  const { sideEffects } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const path of Array.isArray(sideEffects) ? sideEffects : []) {
    if (!present.has(posix.normalize(path))) problems.push(`sideEffects names ${path}, which is not in the package`);
  }
  for (const path of files.filter((name) => name.endsWith(".js.map"))) {
    for (const source of JSON.parse(readFileSync(join(folder, path), "utf8")).sources) {
      const target = posix.join(posix.dirname(path), source);
      if (!present.has(target) && !target.includes("node_modules")) problems.push(`${path} names ${target}, which is not in the package`);
    }
  }
  return problems;
}

/** What publint says, as lines. Suggestions count too: each is followed, or left out here with its reason. */
async function publintProblems(tarball) {
  const bytes = new Uint8Array(readFileSync(tarball));
  const { messages, pkg } = await publint({ strict: true, pack: { tarball: bytes.buffer } });
  return messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code);
}

/** Asks "are the types wrong" for importers with `import`; the packages have no CommonJS. Prints its table only when they are. */
function hasRightTypes(tarball) {
  const check = (...options) => node("node_modules/@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "esm-only", ...options);
  if (check("--quiet") === 0) return true;
  check("--format", "ascii", "--no-emoji");
  return false;
}

const destination = mkdtempSync(join(tmpdir(), "perdure-pack-"));
let failed = false;
try {
  for (const name of readdirSync(join(root, "packages"))) {
    const folder = join(root, "packages", name);
    const { tarball, files } = pack(folder, destination);
    const problems = [...fileProblems(folder, files), ...(await publintProblems(tarball))];
    for (const problem of problems) console.error(`packages/${name}: ${problem}`);
    const typed = hasRightTypes(tarball);
    failed ||= problems.length > 0 || !typed;
  }
} finally {
  rmSync(destination, { recursive: true, force: true });
}
console.log(`check-packages: ${failed ? "problems" : "no problems"}`);
process.exitCode = failed ? 1 : 0;
