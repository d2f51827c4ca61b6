import perdure from "@perdure/compiler/vite";

export default { plugins: [perdure({ vitest: "bundle" })] };
