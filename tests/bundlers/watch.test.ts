import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createBundledApp, isBuilt, script } from "./bundled-app.ts";

const timeout = 120_000;

/** The application, watched by a bundler in another process. */
function watch(bundler: string) {
  const { folder, remove } = createBundledApp();
  const child = spawn(process.execPath, [script("watch.mjs"), bundler], { cwd: folder, stdio: ["pipe", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.on("close", resolve));
  onTestFinished(async () => {
    child.stdin.end();
    await ended;
    remove();
  });
  const outdir = join(folder, "dist", `${bundler}-watched`);
  // Everything that was ever built: old chunks may stay.
  const built = (): string => {
    try {
      return readdirSync(outdir, { recursive: true, encoding: "utf8" })
        .filter((name) => /\.m?js$/.test(name))
        .map((name) => readFileSync(join(outdir, name), "utf8"))
        .join("\n");
    } catch {
      return "";
    }
  };
  const write = (name: string, text: string): void => {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  const holds = (text: string, ms = 20_000) => expect.poll(built, { timeout: ms, interval: 50 }).toContain(text);
  return {
    holds,
    /** Saves a file, more than once if need be: a watcher may not be there yet when the first build has been written. */
    async saves(name: string, content: string, expected: string) {
      for (let attempt = 1; attempt < 5; attempt++) {
        write(name, content);
        if (
          await holds(expected, 4000).then(
            () => true,
            () => false,
          )
        )
          return;
      }
      write(name, content);
      await holds(expected);
    },
    read: (name: string) => readFileSync(join(folder, name), "utf8"),
    removeFile: (name: string) => rmSync(join(folder, name)),
  };
}

const step = (name: string) => `export async function ${name}() {\n  "use step";\n}\n`;

describe.skipIf(!isBuilt)("while a bundler watches", () => {
  test.each(["esbuild", "rollup", "rolldown", "webpack", "rspack"])(
    "%s renews a bundle with a file that it came from, and finds new files with directives",
    { timeout },
    async (bundler) => {
      const app = watch(bundler);
      await app.holds("audit.ts#audit");
      await app.saves("src/money.ts", app.read("src/money.ts").replace("? 7", "? 7077"), "7077");
      await app.saves("src/refund.ts", step("refund"), "refund.ts#refund");
      await app.saves("src/later/deep.ts", step("deep"), "deep.ts#deep");
      app.removeFile("src/refund.ts");
      // A build that still looked for the file would fail, and nothing more would come.
      await app.saves("src/last.ts", step("last"), "last.ts#last");
    },
  );
});
