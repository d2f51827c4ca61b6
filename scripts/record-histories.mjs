// `node scripts/record-histories.mjs [folder]`, after a build: runs the programs in packages/perdure/test/recorded/programs with the compiler and the runtime as they are, and records
// their histories, code included, in a folder beside them that is named after the release, such as 0.1. Every later release must replay them (packages/perdure/test/recorded.test.ts), so
// that a folder which exists is never written to: a release whose histories or bundles are of another form gets one of its own.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./run.mjs";

const place = join(root, "packages/perdure/test/recorded");
const { version } = JSON.parse(readFileSync(join(root, "packages/perdure/package.json"), "utf8"));
const name = process.argv[2] ?? version.split(".").slice(0, 2).join(".");
const folder = join(place, basename(name));
if (existsSync(folder)) {
  console.error(`${folder} exists: what was recorded is never written again. Name another folder.`);
  process.exit(2);
}

/** Packages may be anywhere on a machine: where they are is left out of source maps. */
function withoutMachine(history) {
  const map = JSON.parse(history.bundle.map);
  const sources = map.sources.map((source) => source.replace(/^.*\/(?=node_modules\/)/, ""));
  return { ...history, bundle: { ...history.bundle, map: JSON.stringify({ ...map, sources }) } };
}

const { default: perdure } = await import("@perdure/compiler/esbuild");
const { build } = await import("esbuild");
const temporary = mkdtempSync(join(root, "node_modules/.record-"));
const files = new Map();
try {
  const outfile = join(temporary, "record.mjs");
  const entryPoints = [join(place, "programs/record.ts")];
  await build({ entryPoints, outfile, bundle: true, format: "esm", platform: "node", packages: "external", plugins: [perdure()] });
  process.env.PERDURE_WORLD = "memory:";
  const { recordAll } = await import(pathToFileURL(outfile).href);
  const expected = {};
  for (const recording of await recordAll()) {
    files.set(`${recording.name}.json`, withoutMachine(recording.history));
    expected[recording.name] = recording.expected;
  }
  files.set("expected.json", expected);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
mkdirSync(folder);
for (const [file, content] of files) writeFileSync(join(folder, file), `${JSON.stringify(content, null, 1)}\n`);
console.log(`${files.size - 1} histories in ${folder}`);
process.exit(0);
