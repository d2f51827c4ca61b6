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
