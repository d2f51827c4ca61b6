import { build } from "esbuild";

/** The text of a function of workflow code that uses packages, bundled as the compiler does it. @param code a module whose default export is the function */
export async function bundleLibraries(code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "$entry",
    platform: "neutral",
    mainFields: ["browser", "module", "main"],
    define: { "process.env.NODE_ENV": '"production"' },
    conditions: ["edge-light", "browser", "import"],
    external: ["node:*"],
    target: "es2022",
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "error",
  });
  return `(()=>{${outputFiles[0]?.text ?? ""};return $entry.default})()`;
}
