import { extname } from "node:path";
import ts from "typescript";

const directives = new Set(["use step", "use workflow"]);

/**
 * A module without its directives: the program as it was before it became durable. TypeScript's parser finds them, not the compiler's, so
 * that a mistake of the one is not repeated by the other.
 */
export function undirected(code: string, filename: string): string {
  const file = ts.createSourceFile(filename, code, ts.ScriptTarget.Latest, true, scriptKind(filename));
  const found: ts.Node[] = prologueOf(file.statements);
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body && ts.isBlock(node.body)) found.push(...prologueOf(node.body.statements));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found
    .toSorted((a, b) => b.pos - a.pos)
    .reduce((text, node) => `${text.slice(0, node.getStart(file))};${text.slice(node.getEnd())}`, code);
}

function prologueOf(statements: readonly ts.Statement[]): ts.Node[] {
  const end = statements.findIndex((statement) => textOf(statement) === null);
  const prologue = end < 0 ? statements : statements.slice(0, end);
  return prologue.filter((statement) => directives.has(textOf(statement) ?? ""));
}

function textOf(statement: ts.Statement): string | null {
  return ts.isExpressionStatement(statement) && ts.isStringLiteral(statement.expression) ? statement.expression.text : null;
}

function scriptKind(filename: string): ts.ScriptKind {
  const extension = extname(filename);
  if (extension === ".tsx") return ts.ScriptKind.TSX;
  return extension.endsWith("ts") ? ts.ScriptKind.TS : ts.ScriptKind.JSX;
}
