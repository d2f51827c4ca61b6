// A proxy in front of a PostgreSQL server that does to connections and statements what networks, failovers and Postgres-compatible
// engines do: it cuts connections, also when the outcome of a statement is unknown, refuses statements, and stops all traffic.

import { connect, createServer, type AddressInfo } from "node:net";
import { type Decide, type Fault, type Link, link } from "./link.ts";
import { randomOf } from "./random.ts";

export interface Proxy {
  /** The server's URL, through the proxy. */
  readonly url: string;
  /** Stops all traffic, also that of connections to come, until {@link Proxy.thaw}. */
  freeze(): void;
  thaw(): void;
  /** Cuts all connections. New ones are taken. */
  cut(): void;
  /** Cuts all connections and takes none any more. */
  close(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1. `decide` is asked about each statement, and with `""` about each new connection (where only `before` counts). */
export async function startProxy(url: string, decide: Decide): Promise<Proxy> {
  const target = new URL(url);
  const links = new Set<Link>();
  let frozen = false;
  const proxy = createServer((client) => {
    if (decide("", 0) === "before") return void client.resetAndDestroy();
    const server = connect(Number(target.port), target.hostname);
    const one = link(client.setNoDelay(), server.setNoDelay(), decide, () => links.delete(one));
    links.add(one);
    if (frozen) one.hold(true);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const through = new URL(url);
  through.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const hold = (held: boolean): void => {
    frozen = held;
    for (const one of links) one.hold(held);
  };
  const cut = (): void => {
    for (const one of links) one.cut();
  };
  return {
    url: through.href,
    freeze: () => hold(true),
    thaw: () => hold(false),
    cut,
    async close() {
      const closed = new Promise((resolve) => proxy.close(resolve));
      cut();
      await closed;
    },
  };
}

/** How often each fault happens: probabilities per statement. */
export interface Weather {
  readonly seed: number;
  readonly before?: number;
  readonly during?: number;
  readonly after?: number;
  /** An error 40001 instead of executing the statement. */
  readonly serialization?: number;
  /** `LISTEN` is no statement that this server knows. */
  readonly refuseListen?: boolean;
}

/** Faults at random, and how many of each there were. */
export function randomFaults(weather: Weather): { decide(sql: string): Fault; readonly counts: Record<string, number> } {
  const random = randomOf(weather.seed);
  const counts: Record<string, number> = { before: 0, during: 0, after: 0, serialization: 0, listen: 0, none: 0 };
  const kinds = ["before", "during", "after", "serialization"] as const;
  const draw = (): (typeof kinds)[number] | "none" => {
    let rest = random();
    return kinds.find((kind) => (rest -= weather[kind] ?? 0) < 0) ?? "none";
  };
  return {
    counts,
    decide(sql) {
      if (weather.refuseListen === true && /^\s*listen\b/i.test(sql)) {
        counts["listen"]!++;
        return { code: "0A000", message: "LISTEN is not supported" };
      }
      const kind = draw();
      counts[kind]!++;
      return kind === "serialization" ? { code: "40001", message: "could not serialize access, says the proxy" } : kind;
    },
  };
}
