/** A stream of a run. */
export interface StreamReference {
  /** The World's id of the run. */
  readonly runId: string;
  readonly name: string;
}

/** Makes streams, and signals that follow those of workflow code, of references on this side. */
export interface StreamOpener {
  openReadable(reference: StreamReference): object;
  openWritable(reference: StreamReference): object;
  /** A signal that is aborted when the one with this number is. Left out where none can follow. */
  openSignal?(number: number): AbortSignal;
}

const referenceKey = Symbol.for("perdure.stream");

let usual: StreamOpener | null = null;
let inWorkflow: () => StreamOpener | null = () => null;
let current: StreamOpener | null = null;

/** Says how streams are opened on this side, unless whoever decodes says something else. */
export function openStreamsBy(opener: StreamOpener): void {
  usual = opener;
}

/** For a place where workflow code runs: gives what opens streams in it, null elsewhere. */
export function findWorkflowStreamsBy(find: () => StreamOpener | null): void {
  inWorkflow = find;
}

/** Decodes with another opener. */
export function withOpener<T>(opener: StreamOpener, decode: () => T): T {
  const before = current;
  current = opener;
  try {
    return decode();
  } finally {
    current = before;
  }
}

/** @throws TypeError where there are no streams of runs */
export function streamOpener(): StreamOpener {
  const opener = current ?? inWorkflow() ?? usual;
  if (!opener) throw new TypeError("Not a Perdure value of this place: it holds a stream of a run.");
  return opener;
}

/** The signal that follows one of workflow code; undefined where none can. */
export function openSignal(number: number): AbortSignal | undefined {
  return current?.openSignal?.(number);
}

/** Marks a stream as one of a run, so that it can be stored as a reference. Returns the stream. */
export function markStream<S extends object>(stream: S, reference: StreamReference): S {
  return Object.defineProperty(stream, referenceKey, { value: reference, configurable: true });
}

let known: ReadonlyMap<object, StreamReference> | null = null;

/** Encodes while some streams count as the ones of a run that will hold what they give. They themselves are not marked: that may come to nothing. */
export function withReferences<T>(references: ReadonlyMap<object, StreamReference>, encode: () => T): T {
  const before = known;
  known = references;
  try {
    return encode();
  } finally {
    known = before;
  }
}

/** Which stream of which run it is; null for all others. */
export function referenceOfStream(stream: object): StreamReference | null {
  return known?.get(stream) ?? (stream as { readonly [referenceKey]?: StreamReference })[referenceKey] ?? null;
}

/** A ReadableStream of any realm. */
export function isReadableStream(value: unknown): value is ReadableStream<unknown> {
  return Object.prototype.toString.call(value) === "[object ReadableStream]";
}
