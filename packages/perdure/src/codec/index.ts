/**
 * Values as text. The same code runs on the host and inside the sandbox, so that both sides exchange strings and every value that
 * workflow code sees has been through it, live as on replay.
 *
 * The text's first character is its format: `j` JSON, for values that JSON keeps exactly; `p` a graph of nodes (`node.ts`), for the rest; `d`, no longer written except
 * for `undefined`, devalue. The text never holds a NUL or a lone surrogate.
 */
import { SerializationError } from "../errors/step-errors.ts";
import { readBody } from "./bodies.ts";
import { describe } from "./describe.ts";
import { readGraph } from "./graph-reader.ts";
import { UnreadBodies, writeGraph } from "./graph-writer.ts";
import { readOldFormat } from "./old-format.ts";
import { isPlainJson } from "./plain-json.ts";
import { isReadableStream, withOpener, withReferences, type StreamOpener, type StreamReference } from "./stream-references.ts";
import { withSignalNumbers } from "./signal-kind.ts";
import { checkSize } from "./size.ts";

export { findWorkflowStreamsBy, markStream, openStreamsBy, type StreamOpener, type StreamReference } from "./stream-references.ts";
export { answerElsewhereBy, answerInWorkflowBy, makeAnswerable, type AnswerAddress } from "./answerable.ts";
export { useBase64 } from "./base64.ts";
export { createClassRegistry, findClassesBy, registerClass, registerClassIn, UnknownInstance, type ClassRegistry } from "./classes.ts";
export {
  findWorkflowFunctionsBy,
  markFunction,
  referenceOfFunction,
  resolveFunctionsBy,
  type AnyFunction,
  type FunctionReference,
} from "./function-references.ts";
export { makeRunsBy, markRun } from "./run-references.ts";

export interface EncodeOptions {
  /** How many bytes of UTF-8 the text may take; 8 MiB if left out. */
  readonly maxBytes?: number | undefined;
  /** Whose value it is, for the message: `step "charge" of run "order-7"`. */
  readonly of?: string | undefined;
  /** Gives a signal that is not aborted yet a number, by which the reader is told when it is. Left out: it is written as it is now. */
  readonly signals?: (signal: AbortSignal) => number;
}

const undefinedText = "d-1";

/**
 * @param root how error messages call the value: `args`, `result` …
 * @throws SERIALIZATION_FAILED, VALUE_TOO_LARGE; with the path in the value
 */
export function encode(value: unknown, root: string, options: EncodeOptions = {}): string {
  if (value === undefined) return undefinedText;
  const { signals } = options;
  const graph = (): string => `p${writeGraph(value, root)}`;
  const text = isPlainJson(value) ? `j${JSON.stringify(value)}` : signals ? withSignalNumbers(signals, graph) : graph();
  checkSize(text, value, root, options);
  return text;
}

export interface ReadingOptions extends EncodeOptions {
  /** Makes a stream of a run of a ReadableStream that is none yet. Without it such streams are refused. */
  readonly store?: (stream: ReadableStream) => Promise<StreamReference>;
}

/**
 * The same for values that may hold requests, responses or blobs whose bodies must be read first, or streams: they are used up. Only then a promise.
 */
export function encodeReading(value: unknown, root: string, options: ReadingOptions = {}): string | Promise<string> {
  try {
    return encode(value, root, options);
  } catch (error) {
    if (!(error instanceof UnreadBodies)) throw error;
    const { store } = options;
    // They come first.
    if (!store && isReadableStream(error.bodies[0])) throw error;
    const references = new Map<object, StreamReference>();
    const prepare = async (body: object): Promise<void> => {
      if (store && isReadableStream(body)) references.set(body, await store(body));
      else await readBody(body);
    };
    return Promise.all(error.bodies.map(prepare)).then(() => withReferences(references, () => encode(value, root, options)));
  }
}

/**
 * The same at once, for a value whose streams are stored later.
 * @param place says where each will be
 */
export function encodePlacing(
  value: unknown,
  root: string,
  place: (stream: ReadableStream) => StreamReference,
  options: EncodeOptions = {},
): string {
  try {
    return encode(value, root, options);
  } catch (error) {
    if (!(error instanceof UnreadBodies)) throw error;
    const streams = error.bodies.filter(isReadableStream);
    // What is left is bodies, which nobody waits for.
    return withReferences(new Map(streams.map((stream) => [stream, place(stream)])), () => encode(value, root, options));
  }
}

/** Decodes, and opens the streams in the value in another way than is usual here. */
export function decodeWith(opener: StreamOpener, text: string): unknown {
  // Only a graph has any.
  return text.startsWith("p") ? withOpener(opener, () => decode(text)) : decode(text);
}

/** The value of a text that {@link encode} wrote, in this version or a former one. */
export function decode(text: string): unknown {
  if (text === undefinedText) return undefined;
  const body = text.slice(1);
  if (text.startsWith("j")) return JSON.parse(body);
  if (text.startsWith("p")) return readGraph(body);
  if (text.startsWith("d")) return readOldFormat(body);
  throw new TypeError(`Not a Perdure value: it starts with ${JSON.stringify(text.slice(0, 1))}.`);
}

/** An error that was thrown, as text; anything may be thrown, and nothing makes this fail. */
export function encodeThrown(thrown: unknown, options: EncodeOptions = {}): string {
  try {
    return encode(thrown, "error", options);
  } catch (error) {
    const reason = error instanceof SerializationError ? "" : " It is too large.";
    return encode(new Error(`A value was thrown that cannot be stored: ${describe(thrown)}.${reason}`), "error");
  }
}
