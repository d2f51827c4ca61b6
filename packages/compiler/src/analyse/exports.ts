import type { Program } from "@babel/types";

/** The names under which each top-level name is exported. */
export type ExportNames = ReadonlyMap<string, readonly string[]>;

/** Collects what a module exports of its own. Types do not count; re-exports of other modules neither. */
export function exportNames(program: Program): ExportNames {
  const names = new Map<string, string[]>();
  const add = (local: string, exported: string) => names.set(local, [...(names.get(local) ?? []), exported]);
  for (const statement of program.body) {
    if (statement.type === "ExportDefaultDeclaration") {
      const { declaration } = statement;
      if (declaration.type === "Identifier") add(declaration.name, "default");
      else if ("id" in declaration && declaration.id?.type === "Identifier") add(declaration.id.name, "default");
    }
    if (statement.type !== "ExportNamedDeclaration" || statement.source || statement.exportKind === "type") continue;
    const { declaration } = statement;
    if (declaration?.type === "FunctionDeclaration" && declaration.id) add(declaration.id.name, declaration.id.name);
    if (declaration?.type === "VariableDeclaration") {
      for (const { id } of declaration.declarations) if (id.type === "Identifier") add(id.name, id.name);
    }
    for (const specifier of statement.specifiers) {
      if (specifier.type !== "ExportSpecifier" || specifier.exportKind === "type") continue;
      const { exported } = specifier;
      add(specifier.local.name, exported.type === "Identifier" ? exported.name : exported.value);
    }
  }
  return names;
}

/** The name that stands for a top-level name in ids: that of its only export, unless that is `default`; else the local one. */
export function publicName(local: string, names: ExportNames): string {
  const exported = (names.get(local) ?? []).filter((name) => name !== "default");
  return exported.length === 1 && exported[0] !== undefined ? exported[0] : local;
}
