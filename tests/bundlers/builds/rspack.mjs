import path from "node:path";
import perdure from "@perdure/compiler/rspack";
import { rspack } from "@rspack/core";
import { runOnce, runWatching } from "./webpack.mjs";

const typescript = {
  test: /\.ts$/,
  loader: "builtin:swc-loader",
  options: { jsc: { parser: { syntax: "typescript" }, target: "es2022" } },
  type: "javascript/auto",
};

const compiler = (outdir, minimize) =>
  rspack({
    mode: "production",
    target: "node20",
    entry: { main: "./src/main.ts" },
    output: { path: path.resolve(outdir), module: true, chunkFormat: "module" },
    externalsType: "module",
    externals: [/^perdure/],
    module: { rules: [typescript] },
    optimization: { minimize },
    devtool: "source-map",
    plugins: [perdure()],
  });

export default (outdir, minify) => runOnce(compiler(outdir, minify));

export const watch = (outdir) => runWatching(compiler(outdir, false));
