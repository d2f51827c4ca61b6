import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { filesBelow, root, textOf } from "./repository.ts";

const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", ...filesBelow("docs"), ...filesBelow("packages")].filter(
  (path) => path.endsWith(".md") && !/\/(dist|fixtures)\//.test(path),
);

test.each(pages)("the relative links of %s lead to files", (page) => {
  const targets = [...textOf(page).matchAll(/\]\((?!https?:|mailto:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] as string);
  expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
});

/** The TypeScript in a page's fences that is a program of its own: it imports what it uses. */
function programs(page: string): string[] {
  const fences = [...textOf(page).matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1] as string);
  return fences.filter((code) => code.startsWith("import "));
}

/** What TypeScript says about a program in the repository's root, with the repository's settings. */
function typeErrors(code: string): string[] {
  const path = join(root, "example-in-docs.ts");
  const config = ts.readConfigFile(join(root, "tsconfig.base.json"), (name) => ts.sys.readFile(name));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => name === path || fileExists(name);
  host.readFile = (name) => (name === path ? code : readFile(name));
  const program = ts.createProgram([path], options, host);
  const file = program.getSourceFile(path);
  return ts.getPreEmitDiagnostics(program, file).map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"));
}

/** The programs of the guide's other pages are files, which are executed; these need a server. */
const isCompiled = (page: string): boolean => page.endsWith("README.md") || page === "docs/transactions.md";

test.each(pages.filter((page) => isCompiled(page) && programs(page).length > 0))(
  "the programs in %s compile",
  (page) => {
    expect(programs(page).flatMap(typeErrors)).toEqual([]);
  },
  60_000,
);
