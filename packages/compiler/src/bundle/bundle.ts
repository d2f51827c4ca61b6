/** The code of one workflow, self-contained. */
export interface Bundle {
  /** SHA-256 of `code` in lower-case hexadecimal. */
  version: string;
  /** One function expression: see "The bundle" in docs/decisions/0001-compiled-code.md. */
  code: string;
  /**
   * A source map (JSON) from `code` to the original files, whose paths are relative to the folder of the package.json. Its member `x_perdure_steps` holds the
   * signatures of the steps that the workflow may call, by id.
   */
  map: string;
}
