/**
 * Streams in workflow code. What it writes becomes part of its turn: `chunk` asks hold the value as the codec writes it, or `b` and base64 for bytes. A write
 * is done at once, without an event. Reading would bring in what no history holds: workflow code passes readable streams on.
 */
import { encode, findWorkflowStreamsBy, markStream, type StreamReference } from "../../codec/index.ts";
import { toBase64 } from "../../codec/base64.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import { checkNamespace, defaultNamespace } from "../../streams/namespace.ts";
import { isRawChunk } from "../../streams/raw-chunk.ts";
import { currentRun, currentRunOrNull, limitOf } from "./run-state.ts";

const inWorkflow = { openReadable, openWritable };

/** To be called before workflow code runs. */
export function installStreams(): void {
  findWorkflowStreamsBy(() => (currentRunOrNull() ? inWorkflow : null));
}

/** A stream of the run, see `getWritable` of `perdure`. */
export function getWritable<T>({ namespace = defaultNamespace }: { readonly namespace?: string } = {}): WritableStream<T> {
  return openWritable({ runId: currentRun().id, name: checkNamespace(namespace, "getWritable()") });
}

function openWritable(reference: StreamReference): WritableStream {
  const run = currentRun();
  const { runId, name } = reference;
  let isClosed = false;
  const checkOwn = (): void => {
    if (runId !== run.id)
      throw new PerdureError("NOT_AVAILABLE_IN_WORKFLOW", `The stream "${name}" of another run cannot be written in workflow code.`);
  };
  const stream = new WritableStream({
    write(chunk) {
      checkOwn();
      const limit = limitOf(run, `the stream "${name}" of `);
      run.out.push("chunk", name, isRawChunk(chunk, limit) ? `b${toBase64(chunk)}` : encode(chunk, "chunk", limit), "");
    },
    close() {
      checkOwn();
      if (!isClosed) run.out.push("close", name, "", "");
      isClosed = true;
    },
  });
  return markStream(stream, reference);
}

function openReadable(reference: StreamReference): ReadableStream {
  const stream = new ReadableStream(
    {
      pull(controller) {
        controller.error(new PerdureError("NOT_AVAILABLE_IN_WORKFLOW", `The stream "${reference.name}" cannot be read in workflow code.`));
      },
    },
    { highWaterMark: 0 },
  );
  return markStream(stream, reference);
}
