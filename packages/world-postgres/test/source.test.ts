import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { Pool } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { createSource } from "../src/database/source.ts";

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};

/** A server that lets everybody in, and ends the connection in the same breath, as when an administrator ends all at that moment. */
async function rudeServer(): Promise<string> {
  const welcome = message("R", Buffer.alloc(4));
  const ready = message("Z", Buffer.from("I"));
  const fatal = message("E", Buffer.from("SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"));
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(Buffer.concat([welcome, ready, fatal])));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `postgres://app@127.0.0.1:${(server.address() as AddressInfo).port}/app`;
}

test.each([
  ["our own pool", (url: string) => url],
  ["a pool of the application", (url: string) => new Pool({ connectionString: url })],
])("%s: a connection that ends as it is made fails its first query, and not the process", async (_, from) => {
  const source = createSource(from(await rudeServer()), { connections: 2 });
  // (An error that nobody hears ends the process: the test would fail by it.)
  const client = await source.connect();
  await expect(client.query({ text: "SELECT 1", rowMode: "array" })).rejects.toThrow();
  client.release(true);
  await source.close();
});
