import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

import { resetSocket } from "../../scripts/reset-socket.mjs";

/** Stands between clients and a server on this machine, to cut connections as a network does: neither side is told, and what was under way goes on. */
export interface Proxy {
  readonly port: number;
  /** Cuts the connections that `isChosen` says yes to; returns how many. */
  cut(isChosen: () => boolean): number;
  close(): Promise<void>;
}

/** @param target the port of the server on 127.0.0.1 */
export async function startProxy(target: number): Promise<Proxy> {
  const clients = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(target, "127.0.0.1");
    clients.add(client);
    client.setNoDelay().pipe(server.setNoDelay());
    server.pipe(client);
    // A server that is not there refuses; one that dies resets.
    server.on("error", () => resetSocket(client));
    client
      .on("error", () => server.destroy())
      .on("close", () => {
        clients.delete(client);
        server.destroy();
      });
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const cut = (isChosen: () => boolean): number => {
    const chosen = [...clients].filter(isChosen);
    for (const client of chosen) resetSocket(client);
    return chosen.length;
  };
  return {
    port: (proxy.address() as AddressInfo).port,
    cut,
    async close() {
      const closed = once(proxy, "close");
      proxy.close();
      cut(() => true);
      await closed;
    },
  };
}
