import { encode } from "./codec/index.ts";
import { defaultMaxBytes } from "./codec/size.ts";
import { CancelledError } from "./errors/cancelled-error.ts";
import { none } from "./lists.ts";

/** A run's input as stored: the seed of its chance and hook tokens (32 hex digits), what else was said at its start as JSON if there is any, a line feed, the encoded arguments. */
export interface RunInput {
  readonly seed: string;
  readonly args: string;
  /** When the run is asked to end, ms since the epoch; null: never. */
  readonly deadlineAt: number | null;
  /**
   * How many bytes a value of the run may take as stored, wherever it is executed: where a call is refused for it, every replay must refuse it again. Left out: {@link defaultMaxBytes}.
   */
  readonly maxValueBytes?: number;
  /** When it was to begin, ms since the epoch; null, or left out: at once. */
  readonly startAt?: number | null;
  /** Where its webhooks are reached, as `PERDURE_URL` said at its start; null: it was not set. */
  readonly address: string | null;
  /** Of a fork: from which row on its chance, its tokens and the ids of its children follow from another seed. In the order of rows; left out: none. */
  readonly reseeds?: readonly Reseed[];
}

export interface Reseed {
  /** So many rows follow from the seeds before. */
  readonly rows: number;
  /** 32 hex digits. */
  readonly seed: string;
}

interface Header {
  readonly deadlineAt?: number;
  readonly maxValueBytes?: number;
  readonly startAt?: number;
  readonly address?: string;
  readonly reseeds?: readonly Reseed[];
}

export function encodeRunInput(input: RunInput): Uint8Array {
  const { seed, args, deadlineAt, maxValueBytes = defaultMaxBytes, startAt = null, address, reseeds = none } = input;
  const header: Header = {
    ...(deadlineAt !== null && { deadlineAt }),
    ...(maxValueBytes !== defaultMaxBytes && { maxValueBytes }),
    ...(startAt !== null && { startAt }),
    ...(address !== null && { address }),
    ...(reseeds.length > 0 && { reseeds }),
  };
  const text = JSON.stringify(header);
  return toBytes(`${seed}${text === "{}" ? "" : text}\n${args}`);
}

export function decodeRunInput(bytes: Uint8Array): Required<RunInput> {
  const text = toText(bytes);
  const end = text.indexOf("\n");
  const header = (end > 32 ? JSON.parse(text.slice(32, end)) : {}) as Header;
  return {
    // Not a slice of the text, which would keep all of it in memory for as long as the run is.
    seed: toText(bytes.subarray(0, 32)),
    args: text.slice(end + 1),
    deadlineAt: header.deadlineAt ?? null,
    maxValueBytes: header.maxValueBytes ?? defaultMaxBytes,
    startAt: header.startAt ?? null,
    address: header.address ?? null,
    reseeds: header.reseeds ?? none,
  };
}

/** The output of a run that ends because another one takes its id over. */
export function replacedOutput(): Uint8Array {
  return toBytes(encode(new CancelledError("another run took its id over"), ""));
}

/** Text to the bytes that a World stores. */
export function toBytes(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

/** The text of bytes that a World returned. */
export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
