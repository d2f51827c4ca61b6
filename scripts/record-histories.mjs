// `node scripts/record-histories.mjs [folder]`, after a build: runs the programs in packages/perdure/test/recorded/programs with the compiler and the runtime as they are, and records
// their histories, code included, in a folder beside them that is named after the release, such as 0.1. Every later release must replay them (packages/perdure/test/recorded.test.ts), so
// that a folder which exists is never written to: a release whose histories or bundles are of another form gets one of its own.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import perdure from "@perdure/compiler/esbuild";
import { build } from "esbuild";
import { root } from "./run.mjs";

const place = join(root, "packages/perdure/test/recorded");
const { version } = JSON.parse(readFileSync(join(root, "packages/perdure/package.json"), "utf8"));
const name = process.argv[2] ?? version.split(".").slice(0, 2).join(".");
const folder = join(place, basename(name));
if (existsSync(folder)) {
  console.error(`${folder} exists: what was recorded is never written again. Name another folder.`);
  process.exit(2);
}

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
    files.set(`${recording.name}.json`, recording.history);
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
