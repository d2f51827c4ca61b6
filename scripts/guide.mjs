// `npm run guide`, after a build: runs the programs of examples/guide, keeps what they print beside them, and puts both into the pages of docs that show them.
// Arguments name the programs to run; without any all are run. Read what changed as if somebody else had written it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { outputPath, programs, runProgram, withShownFiles } from "./guide-programs.mjs";
import { root } from "./run.mjs";

const wanted = process.argv.slice(2);
for (const program of wanted.length > 0 ? wanted : programs) {
  const { status, stdout, stderr } = await runProgram(program);
  if (status === 0) {
    writeFileSync(`${root}${outputPath(program)}`, stdout);
  } else {
    console.error(`${program} ended with ${status}\n${stdout}${stderr}`);
    process.exitCode = 1;
  }
}

for (const name of readdirSync(`${root}docs`).filter((name) => name.endsWith(".md"))) {
  const path = `${root}docs/${name}`;
  const page = readFileSync(path, "utf8");
  const current = withShownFiles(page);
  if (current !== page) writeFileSync(path, current);
}
