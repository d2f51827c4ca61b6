import perdure from "@perdure/compiler/rollup";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { rollup, watch as watchWith } from "rollup";
import esbuild, { minify as minifyPlugin } from "rollup-plugin-esbuild";

const input = () => ({
  input: "src/main.ts",
  external: [/^perdure/, /^node:/],
  plugins: [perdure(), nodeResolve(), esbuild({ target: "node20" })],
  onwarn: failOnWarning,
});
const output = (dir, minify) => ({ dir, sourcemap: true, plugins: minify ? [minifyPlugin()] : [] });

export default async (outdir, minify) => {
  const bundle = await rollup(input());
  await bundle.write(output(outdir, minify));
  await bundle.close();
};

export function watch(outdir) {
  const watcher = watchWith({ ...input(), output: output(outdir, false) });
  watcher.on("event", (event) => event.result?.close());
  return () => watcher.close();
}

function failOnWarning({ message }) {
  throw new Error(message);
}
