/** A value as a string without lone surrogates (`USVString` of Web IDL). */
export function usvString(value: unknown): string {
  // Every supported Node has it; the library of ES2023 has not.
  return (String(value) as string & { toWellFormed(): string }).toWellFormed();
}
