import { createRequire } from "node:module";
import path from "node:path";
import perdure from "@perdure/compiler/webpack";
import webpack from "webpack";

const loader = createRequire(import.meta.url).resolve("esbuild-loader");

export default (outdir, minify) =>
  run(
    webpack({
      mode: "production",
      target: "node20",
      entry: { main: "./src/main.ts" },
      experiments: { outputModule: true },
      output: { path: path.resolve(outdir), module: true, chunkFormat: "module", clean: true },
      externalsType: "module",
      externals: [/^perdure/],
      module: { rules: [{ test: /\.ts$/, loader, options: { target: "node20" } }] },
      optimization: { minimize: minify },
      devtool: "source-map",
      plugins: [perdure()],
    }),
  );

/** Runs a compiler of webpack or Rspack once; warnings count as mistakes. */
export function run(compiler) {
  return new Promise((resolve, reject) => {
    compiler.run((error, stats) => {
      compiler.close(() => {
        if (error) reject(error);
        else if (stats.hasErrors() || stats.hasWarnings()) reject(new Error(stats.toString({ colors: false })));
        else resolve();
      });
    });
  });
}
