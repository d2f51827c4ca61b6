import { parse } from "devalue";

import { errorOfRecord, type ErrorRecord } from "./error-values.ts";

/** A value that a former version wrote with devalue. Such texts stay readable; none are written. */
export function readOldFormat(text: string): unknown {
  return parse(text, { Error: (record: ErrorRecord) => errorOfRecord(record) });
}
