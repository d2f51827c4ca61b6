import perdure from "@perdure/compiler/farm";
import { build } from "@farmfe/core";

export default async (outdir, minify) => {
  await build({
    root: process.cwd(),
    configFile: "",
    compilation: {
      input: { main: "src/main.ts" },
      output: { path: outdir, targetEnv: "node", format: "esm" },
      external: ["^perdure(/.*)?$"],
      minify,
      sourcemap: true,
      presetEnv: false,
      persistentCache: false,
      progress: false,
    },
    plugins: [perdure()],
  });
};
