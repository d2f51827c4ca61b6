import perdure from "@perdure/compiler/rolldown";
import { build, watch as watchWith } from "rolldown";

const options = (dir, minify) => ({
  input: "src/main.ts",
  platform: "node",
  external: [/^perdure/],
  plugins: [perdure()],
  output: { dir, sourcemap: true, minify },
  logLevel: "warn",
});

export default (outdir, minify) => build(options(outdir, minify));

export function watch(outdir) {
  const watcher = watchWith(options(outdir, false));
  return () => watcher.close();
}
