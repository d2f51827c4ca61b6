import perdure from "@perdure/compiler/esbuild";
import { build, context } from "esbuild";

const options = (outdir, minify) => ({
  entryPoints: ["src/main.ts"],
  outdir,
  minify,
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: true,
  external: ["perdure", "perdure/*"],
  plugins: [perdure()],
});

/** Every file here builds `src/main.ts` of the folder that it is run in, into `outdir`. */
export default (outdir, minify) => build(options(outdir, minify));

/** Builds with every change. Resolves with a function that ends it. */
export async function watch(outdir) {
  const watching = await context({ ...options(outdir, false), logLevel: "error" });
  await watching.watch();
  return () => watching.dispose();
}
