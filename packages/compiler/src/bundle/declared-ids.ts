import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { type Diagnostic, createDiagnostic } from "../diagnose/diagnostic.ts";
import { type Position, offsetOf } from "../diagnose/position.ts";
import type { Manifest } from "../manifest.ts";
import { fileKey } from "./file-key.ts";

/** A module as it is in a build. */
export interface DeclaringModule {
  /** The real path. */
  file: string;
  code: string;
  manifest: Manifest;
}

/** Watches over the ids of one build. */
export interface DeclaredIds {
  /**
   * Takes a module into account, in place of what the file declared before. Returns a mistake for each id that another file, with other
   * text, declares too: two versions of a package, or two packages of one name. Copies with the same text do no harm.
   */
  declare(module: DeclaringModule): Diagnostic[];
}

interface Declaration {
  file: string;
  hash: string;
}

/** An empty record of a build's ids. */
export function createDeclaredIds(): DeclaredIds {
  const byId = new Map<string, Map<string, Declaration>>();
  const byFile = new Map<string, string[]>();

  function forget(key: string): void {
    for (const id of byFile.get(key) ?? []) byId.get(id)?.delete(key);
    byFile.delete(key);
  }

  return {
    declare({ file, code, manifest }) {
      const key = fileKey(file);
      const hash = createHash("sha256").update(code).digest("hex");
      const entries = [...manifest.steps, ...manifest.workflows];
      forget(key);
      byFile.set(
        key,
        entries.map(({ id }) => id),
      );
      return entries.flatMap(({ id, start }) => {
        const declarations = byId.get(id) ?? new Map<string, Declaration>();
        byId.set(id, declarations);
        const others = [...declarations.values()].filter((one) => one.hash !== hash && existsSync(one.file));
        declarations.set(key, { file, hash });
        return others.slice(0, 1).map((other) => duplicate({ id, start, file, code, other: other.file }));
      });
    },
  };
}

function duplicate(found: { id: string; start: Position; file: string; code: string; other: string }): Diagnostic {
  const { id, start, file, code, other } = found;
  const offset = offsetOf(code, start);
  const problem = { code: "DUPLICATE_ID_IN_BUILD", range: { start: offset, end: offset }, parameters: { id, file, other } } as const;
  return createDiagnostic(problem, { code, filename: file });
}
