// The same for @workflow/builders: its workflow bundle alone, without the bundles of steps and of its SDK that a build makes besides.
import { mkdirSync } from "node:fs";
const [, , builders, root] = process.argv;
process.chdir(root);
mkdirSync("out", { recursive: true });
const start = performance.now();
const { StandaloneBuilder } = await import(builders);
const loaded = performance.now();
const builder = new StandaloneBuilder({
  buildTarget: "standalone",
  workingDir: root,
  dirs: ["."],
  suppressCreateWorkflowsBundleLogs: true,
});
const inputFiles = await builder.getInputFiles();
const { manifest } = await builder.createWorkflowsBundle({ outfile: `${root}/out/workflows.mjs`, inputFiles, bundleFinalOutput: false });
const done = performance.now();
if (Object.keys(manifest.workflows).length !== 1) throw new Error(`The peer found ${JSON.stringify(manifest.workflows)}.`);
console.log(JSON.stringify({ totalMs: done - start, loadMs: loaded - start }));
