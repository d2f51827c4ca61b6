import { catalogue, type CliErrorCode } from "./catalogue.ts";

/** What the exit status of `perdure` says. */
export const exitStatus = {
  ok: 0,
  /** The command did its work and found mistakes. */
  mistakes: 1,
  /** The command could not begin: unknown options, no such file. */
  usage: 2,
} as const;

/** Ends a command: its message goes to standard error, without a stack. */
export class Failure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "Failure";
    this.status = status;
  }
}

/** A failure with a code, which begins its message, and with the code's advice, which ends it. */
export function failureOf(code: CliErrorCode, status: number, message: string): Failure {
  return new Failure(status, `${code}: ${message} ${catalogue[code]}`);
}
