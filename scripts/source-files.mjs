// What the checks read: the repository's own files and what they import.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { root } from "./run.mjs";

const skipped = new Set(["node_modules", "dist", "coverage", "fixtures", "apps", "__snapshots__"]);

/** Paths of the JavaScript and TypeScript files below a folder, from the root, with `/`. None if the folder does not exist. */
export function sourceFiles(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return skipped.has(entry.name) || entry.name.startsWith(".") ? [] : sourceFiles(path);
    return /\.[cm]?[jt]s$/.test(entry.name) ? [path] : [];
  });
}

/** The folders of the packages, examples and the benchmark: `packages/world` … */
export function packageFolders() {
  const below = (folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
  return [...below("packages"), ...below("examples"), "bench"].filter((folder) => existsSync(join(root, folder, "package.json")));
}

/** A file's syntax tree. */
export function parse(path) {
  return ts.createSourceFile(path, readFileSync(join(root, path), "utf8"), ts.ScriptTarget.Latest, true);
}

/** The imports of a file: `{ specifier, line, dynamic, typeOnly }`, re-exports and import types included. */
export function importsOf(path) {
  const file = parse(path);
  const found = [];
  const add = (node, literal, dynamic, typeOnly) => {
    if (!literal || !ts.isStringLiteralLike(literal)) return;
    const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    found.push({ specifier: literal.text, line, dynamic, typeOnly });
  };
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, false, node.importClause?.isTypeOnly === true);
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, false, node.isTypeOnly);
    else if (ts.isImportTypeNode(node)) add(node, node.argument.literal, false, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node, node.arguments[0], true, false);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}
