import perdure from "@perdure/compiler/rolldown";
import { build } from "rolldown";

export default async (outdir, minify) => {
  await build({
    input: "src/main.ts",
    platform: "node",
    external: [/^perdure/],
    plugins: [perdure()],
    output: { dir: outdir, sourcemap: true, minify },
    logLevel: "warn",
  });
};
