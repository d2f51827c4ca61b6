/** A server of `node:http` around a handler, as an adapter of a framework has it. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { onTestFinished } from "vitest";

export type Handler = (request: Request) => Promise<Response>;

/** Serves on a free port of 127.0.0.1 until the test is over. Returns the origin. */
export async function serve(handler: Handler): Promise<string> {
  const server = createServer((incoming, outgoing) => void answer(handler, incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function answer(handler: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const controller = new AbortController();
  outgoing.on("close", () => controller.abort());
  const { method = "GET" } = incoming;
  const body = method === "GET" || method === "HEAD" ? null : bodyOf(incoming);
  const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const url = new URL(incoming.url ?? "/", `http://${incoming.headers.host}`);
  const response = await handler(new Request(url, { method, headers, body, duplex: "half", signal: controller.signal } as RequestInit));
  if (!incoming.complete) outgoing.setHeader("connection", "close"); // what is left of the request will not be read
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body) await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing).catch(() => undefined);
  else outgoing.end();
}

/** (Not `Readable.toWeb`, which throws when a cancelled stream gets more, nor an iterator that ends the connection with the body.) */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const pieces = incoming.iterator({ destroyOnReturn: false });
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = (await pieces.next()) as IteratorResult<Uint8Array>;
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel: async () => void (await pieces.return?.()),
  });
}
