import ts from "typescript";
import { filesBelow, textOf } from "./repository.ts";

const codePattern = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;

/** The members of a union of string literals: `type XErrorCode = "A" | "B"`. */
function unionCodes(node: ts.TypeAliasDeclaration): string[] {
  const members = ts.isUnionTypeNode(node.type) ? [...node.type.types] : [node.type];
  return members.flatMap((member) => (ts.isLiteralTypeNode(member) && ts.isStringLiteral(member.literal) ? [member.literal.text] : []));
}

/** The keys of an object literal, through `as const` and `satisfies`: `const catalogue = { A: …, B: … }`. */
function catalogueCodes(node: ts.VariableDeclaration): string[] {
  let value = node.initializer;
  while (value && (ts.isAsExpression(value) || ts.isSatisfiesExpression(value))) value = value.expression;
  if (!value || !ts.isObjectLiteralExpression(value)) return [];
  return value.properties.flatMap((property) =>
    property.name && (ts.isIdentifier(property.name) || ts.isStringLiteral(property.name)) ? [property.name.text] : [],
  );
}

/**
 * The error codes that a package declares in its sources: the members of a type whose name ends in `Code`, and the keys of a constant
 * whose name ends in `catalogue`. Read from the syntax, so that no package needs to export its list.
 */
export function declaredCodes(packageName: string): string[] {
  const codes = new Set<string>();
  for (const path of filesBelow(`packages/${packageName}/src`).filter((name) => /(?<!\.generated)\.ts$/.test(name))) {
    const source = ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node): void => {
      let found: string[] = [];
      if (ts.isTypeAliasDeclaration(node) && node.name.text.endsWith("Code")) found = unionCodes(node);
      if (ts.isVariableDeclaration(node) && /catalogue$/i.test(node.name.getText())) found = catalogueCodes(node);
      for (const code of found.filter((text) => codePattern.test(text))) codes.add(code);
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return [...codes].sort();
}
