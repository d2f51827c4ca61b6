import perdure from "@perdure/compiler/vite";

export default {
  plugins: [perdure()],
  build: { ssr: "app.ts", outDir: "dist-vite", target: "node20" },
};
