import perdure from "@perdure/compiler/bun";

/* global Bun -- this file runs in Bun */
export default async (outdir, minify) => {
  await Bun.build({
    entrypoints: ["src/main.ts"],
    outdir,
    minify,
    target: "node",
    format: "esm",
    splitting: true,
    sourcemap: "linked",
    external: ["perdure", "perdure/*"],
    plugins: [perdure()],
  });
};
