import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/index.ts", "src/memory/index.ts", "src/conformance/index.ts"],
  unbundle: true,
  dts: true,
  sourcemap: true,
});
