import { createRequire } from "node:module";
import path from "node:path";
import perdure from "@perdure/compiler/webpack";
import webpack from "webpack";

const loader = createRequire(import.meta.url).resolve("esbuild-loader");

const compiler = (outdir, minimize) =>
  webpack({
    mode: "production",
    target: "node20",
    entry: { main: "./src/main.ts" },
    experiments: { outputModule: true },
    output: { path: path.resolve(outdir), module: true, chunkFormat: "module" },
    externalsType: "module",
    externals: [/^perdure/],
    module: { rules: [{ test: /\.ts$/, loader, options: { target: "node20" } }] },
    optimization: { minimize },
    devtool: "source-map",
    plugins: [perdure()],
  });

export default (outdir, minify) => runOnce(compiler(outdir, minify));

export const watch = (outdir) => runWatching(compiler(outdir, false));

/** Runs a compiler of webpack or Rspack once; warnings count as mistakes. */
export function runOnce(instance) {
  return new Promise((resolve, reject) => {
    instance.run((error, stats) => {
      instance.close(() => {
        if (error) reject(error);
        else if (stats.hasErrors() || stats.hasWarnings()) reject(new Error(stats.toString({ colors: false })));
        else resolve();
      });
    });
  });
}

/** Runs a compiler of webpack or Rspack with every change. */
export function runWatching(instance) {
  const watching = instance.watch({}, (error, stats) => {
    if (error || stats.hasErrors()) console.error(error ?? stats.toString({ colors: false }));
  });
  return () => new Promise((resolve) => watching.close(resolve));
}
