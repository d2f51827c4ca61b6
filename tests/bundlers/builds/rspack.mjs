import path from "node:path";
import perdure from "@perdure/compiler/rspack";
import { rspack } from "@rspack/core";
import { run } from "./webpack.mjs";

export default (outdir, minify) =>
  run(
    rspack({
      mode: "production",
      target: "node20",
      entry: { main: "./src/main.ts" },
      output: { path: path.resolve(outdir), module: true, chunkFormat: "module", clean: true },
      externalsType: "module",
      externals: [/^perdure/],
      module: {
        rules: [
          {
            test: /\.ts$/,
            loader: "builtin:swc-loader",
            options: { jsc: { parser: { syntax: "typescript" }, target: "es2022" } },
            type: "javascript/auto",
          },
        ],
      },
      optimization: { minimize: minify },
      devtool: "source-map",
      plugins: [perdure()],
    }),
  );
