import perdure from "@perdure/compiler/esbuild";
import { build } from "esbuild";

/** Every file here builds `src/main.ts` of the folder that it is run in, into `outdir`. */
export default async (outdir, minify) => {
  await build({
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
};
