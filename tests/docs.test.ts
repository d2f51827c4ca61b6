import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { beforeAll, describe, expect, test } from "vitest";
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

/** The programs of the guide's other pages are files, which are executed; these need a server. */
const isCompiled = (page: string): boolean => page.endsWith("README.md") || page === "docs/transactions.md";

const compiled = pages.filter((page) => isCompiled(page) && programs(page).length > 0);

/** The name of a program as a file in the repository's root. */
const fileOf = (page: string, index: number): string => join(root, `${page.replaceAll(/\W/g, "-")}-${index}.ts`);

/** All of them as one compilation, with the repository's settings: they share the types of the packages, which take most of the time. */
function compileAll(): ts.Program {
  const files = new Map(compiled.flatMap((page) => programs(page).map((code, index) => [fileOf(page, index), code] as const)));
  const config = ts.readConfigFile(join(root, "tsconfig.base.json"), (name) => ts.sys.readFile(name));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  return ts.createProgram([...files.keys()], options, host);
}

describe("programs in the documentation", () => {
  let program: ts.Program;
  beforeAll(() => {
    program = compileAll();
  }, 240_000);

  test.each(compiled)(
    "those in %s compile",
    (page) => {
      const errors = programs(page).flatMap((_, index) => ts.getPreEmitDiagnostics(program, program.getSourceFile(fileOf(page, index))));
      expect(errors.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
    },
    240_000,
  );
});
