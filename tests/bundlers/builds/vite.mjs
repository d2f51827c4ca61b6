import perdure from "@perdure/compiler/vite";
import { build } from "vite";

export default async (outDir, minify) => {
  await build({
    configFile: false,
    logLevel: "warn",
    plugins: [perdure()],
    build: { ssr: "src/main.ts", outDir, minify, sourcemap: true, target: "node20" },
    ssr: { external: ["perdure"] },
  });
};
