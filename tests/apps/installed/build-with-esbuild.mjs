import perdure from "@perdure/compiler/esbuild";
import { build } from "esbuild";

await build({
  entryPoints: ["app.ts"],
  outdir: "dist-esbuild",
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  plugins: [perdure()],
});
