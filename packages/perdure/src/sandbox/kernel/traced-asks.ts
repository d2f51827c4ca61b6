import { decode } from "../../codec/index.ts";

/** The runs that are looked at: there are none in a worker. */
export class Traces {
  /** By handle: what each asked for at its last delivery. */
  #traced: Map<number, TracedAsks> | null = null;

  /** Where a run that is traced from now on puts what it asks for. */
  begin(handle: number): TracedAsks {
    this.#traced ??= new Map();
    this.#traced.set(handle, new TracedAsks());
    return new TracedAsks();
  }

  /** Where a run puts what it asks for next. @param out what it has asked for */
  next(handle: number, out: string[]): TracedAsks | null {
    if (this.#traced === null || !(out instanceof TracedAsks)) return null;
    this.#traced.set(handle, out);
    return new TracedAsks();
  }

  stacks(handle: number): string[] {
    return this.#traced?.get(handle)?.stacks ?? [];
  }

  end(handle: number): void {
    this.#traced?.delete(handle);
  }
}

/** What a run asks for, with the stack at each ask: only for runs that are looked at, because a stack costs more than the ask. */
export class TracedAsks extends Array<string> {
  /** One for each ask that a history records, in order; in the sandbox frames of workflow code only. Of an error that the workflow threw: its own, headline and all. */
  readonly stacks: string[] = [];

  override push(kind: string, name: string, first: string, second: string): number {
    // A history does not record these, see `namesOfAsks`.
    if (kind !== "log" && kind !== "signal") this.stacks.push(kind === "failed" ? stackOf(decode(first)) : this.stackHere());
    return super.push(kind, name, first, second);
  }

  protected stackHere(): string {
    return stackOf(new Error());
  }
}

function stackOf(error: unknown): string {
  return (error instanceof Error ? error.stack : undefined) ?? "";
}
