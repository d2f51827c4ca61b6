import type { Sql } from "../database/sql.ts";
import type { FindingCode } from "./catalogue.ts";

export interface Finding {
  readonly code: FindingCode;
  /** `warning`: may be meant so. */
  readonly severity: "problem" | "warning";
  /** What was found, with names and numbers. */
  readonly message: string;
  /** What to do. */
  readonly hint: string;
}

/** What checks have in hand. */
export interface Examination {
  readonly schema: string;
  readonly sql: Sql;
  /** From when on a transaction is long, s. */
  readonly longTransactionS: number;
  /** Rows of a statement whose tables are written `@runs`. */
  rows<T>(template: string, values?: readonly unknown[]): Promise<T[]>;
  found(code: FindingCode, message: string): void;
}
