import { describe, expect, test } from "vitest";
// @ts-expect-error: the scripts are plain JavaScript
import * as guide from "../scripts/guide-programs.mjs";
import { filesBelow, textOf } from "./repository.ts";

const { outputPath, programs, runProgram, shownFiles, withShownFiles } = guide as {
  programs: string[];
  outputPath(program: string): string;
  runProgram(program: string): Promise<{ status: number | null; stdout: string; stderr: string }>;
  shownFiles(page: string): string[];
  withShownFiles(page: string): string;
};

const pages = filesBelow("docs").filter((path) => path.endsWith(".md"));

/** The pages of the guide, in the order in which the index lists them. */
const guidePages = [...textOf("docs/README.md").matchAll(/^\d+\. \[[^\]]+\]\(([^)]+)\)/gm)].map((match) => `docs/${match[1] as string}`);

describe("the guide's programs", () => {
  // At once: they wait more than they work.
  test.concurrent.each(programs)("%s prints what is written beside it", { timeout: 90_000 }, async (program) => {
    const { status, stdout, stderr } = await runProgram(program);
    expect(status, stderr).toBe(0);
    expect(stdout).toBe(textOf(outputPath(program)));
  });

  test.each(programs)("%s is shown by a page, with what it prints", (program) => {
    const shown = pages.flatMap((page) => shownFiles(textOf(page)));
    expect(shown).toContain(`examples/guide/${program}.ts`);
    expect(shown).toContain(outputPath(program));
  });
});

test.each(pages.filter((page) => shownFiles(textOf(page)).length > 0))(
  "%s shows files as they are (`npm run guide` puts them in)",
  (page) => {
    expect(textOf(page)).toBe(withShownFiles(textOf(page)));
  },
);

test("a fence that names a file is filled with it, and no other fence is touched", () => {
  const page = "```ts file=examples/guide/package.json\nold\n```\n\n```ts\nkept\n```\n";
  expect(withShownFiles(page)).toBe(
    `\`\`\`ts file=examples/guide/package.json\n${textOf("examples/guide/package.json")}\`\`\`\n\n\`\`\`ts\nkept\n\`\`\`\n`,
  );
});

test.each(guidePages)("%s, a page of the guide, shows a program", (page) => {
  expect(shownFiles(textOf(page)).some((path) => path.endsWith(".ts"))).toBe(true);
});
