import type { CheckReport } from "perdure/api";
import type { WorldOptions } from "../world-options.ts";

/** What a checking process is told. */
export interface CheckOrder extends WorldOptions {
  /** The absolute path of the entry. */
  readonly entry: string;
  readonly workflowId?: string;
  readonly sample?: number;
}

/** What it tells its parent. */
export type CheckMessage =
  | {
      readonly type: "checked";
      readonly report: CheckReport;
      /** The entry wanted to work, and was not evaluated to its end. */
      readonly isPart: boolean;
    }
  | { readonly type: "entry-failed" }
  | { readonly type: "failed"; readonly message: string };
