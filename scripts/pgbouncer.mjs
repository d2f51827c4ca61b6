// PgBouncer for tests and benchmarks, where Debian's or Ubuntu's package `pgbouncer` is installed: in transaction mode, on a free port.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { endProgram, freePort, guard, serverFolder, serverUser, startProgram } from "./local-server.mjs";

const program = "/usr/sbin/pgbouncer";

/** Whether {@link startPgBouncer} finds it on this machine. */
export function hasPgBouncer() {
  return existsSync(program);
}

/** Starts PgBouncer in front of a server; see pgbouncer.d.mts. */
export async function startPgBouncer(server, settings = {}) {
  if (!hasPgBouncer()) throw new Error("PgBouncer is not on this machine: install the package pgbouncer.");
  const user = await serverUser();
  const folder = serverFolder("pgbouncer", user);
  const letGo = guard(folder, join(folder, "pid"));
  const removeAll = () => {
    rmSync(folder, { recursive: true, force: true });
    letGo();
  };
  try {
    const port = await freePort();
    write(folder, server, { listen_port: port, ...settings });
    const isReady = () => accepts(port);
    const child = await startProgram(program, [join(folder, "pgbouncer.ini")], { folder, user, isReady });
    return {
      url: urlThrough(port, server.url),
      urlOf: (url) => urlThrough(port, url),
      async stop() {
        await endProgram(child, "SIGQUIT");
        removeAll();
      },
    };
  } catch (error) {
    removeAll();
    throw error;
  }
}

/** Its settings, and the password of the one user. */
function write(folder, server, settings) {
  const all = {
    listen_addr: "127.0.0.1",
    unix_socket_dir: "",
    auth_type: "md5",
    auth_file: join(folder, "users"),
    pidfile: join(folder, "pid"),
    pool_mode: "transaction",
    max_client_conn: 1000,
    default_pool_size: 20,
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  writeFileSync(join(folder, "users"), `"postgres" "${server.password}"\n`);
  writeFileSync(join(folder, "pgbouncer.ini"), `[databases]\n* = host=127.0.0.1 port=${server.port}\n\n[pgbouncer]\n${lines.join("\n")}\n`);
}

function urlThrough(port, url) {
  const through = new URL(url);
  through.port = String(port);
  return through.href;
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
