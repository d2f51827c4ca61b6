import perdure from "@perdure/compiler/rollup";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { rollup } from "rollup";
import esbuild, { minify as minifyPlugin } from "rollup-plugin-esbuild";

export default async (outdir, minify) => {
  const bundle = await rollup({
    input: "src/main.ts",
    external: [/^perdure/, /^node:/],
    plugins: [perdure(), nodeResolve(), esbuild({ target: "node20" })],
    onwarn: failOnWarning,
  });
  await bundle.write({ dir: outdir, sourcemap: true, plugins: minify ? [minifyPlugin()] : [] });
  await bundle.close();
};

function failOnWarning({ message }) {
  throw new Error(message);
}
