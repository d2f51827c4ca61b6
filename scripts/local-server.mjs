// What servers that tests and benchmarks start have in common: a folder of their own, a free port, a user that is not root,
// and an end with the process that started them, however that ends. Linux and macOS.
import { execFile, spawn } from "node:child_process";
import { chownSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** Who a server runs as: for root a user with fewer rights (PostgreSQL and PgBouncer refuse to be root), otherwise whoever we are. */
export async function serverUser() {
  if (process.platform === "win32") throw new Error("Servers for tests are started on Linux and macOS only.");
  if (process.getuid() !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    const ids = await Promise.all(["-u", "-g"].map((flag) => exec("id", [flag, name]))).catch(() => undefined);
    if (ids !== undefined) return { uid: Number(ids[0].stdout), gid: Number(ids[1].stdout) };
  }
  throw new Error("A server does not run as root, and this machine has neither a user `postgres` nor a user `nobody`.");
}

/**
 * A new folder that belongs to the server's user, in `parent` (default: the folder for temporary files). Where another user may not enter that one, in
 * /var/tmp, which is on a disk, or in /tmp.
 */
export function serverFolder(name, user, parent = tmpdir()) {
  const parents = [parent, ...(parent === tmpdir() ? [] : ["/var/tmp"]), "/tmp"];
  if (user.uid !== undefined) parent = parents.find((path) => existsSync(path) && isOpen(path)) ?? parent;
  const folder = mkdtempSync(join(parent, `perdure-${name}-`));
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  return folder;
}

/** Whether every user may enter the folder. */
function isOpen(folder) {
  for (let path = folder; ; path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Sees to the end of a server. Its input ends with this process, also when that is killed: then it ends the process whose number
 * the first line of `pidFile` is, and removes the folder; twice, for what a starting server did meanwhile.
 */
const guardScript = `
  trap '' INT TERM HUP
  cat >/dev/null
  for round in 1 2; do
    pid=$(head -n 1 "$2" 2>/dev/null)
    if [ -n "$pid" ]; then
      kill -QUIT "$pid" 2>/dev/null
      waited=0
      while kill -0 "$pid" 2>/dev/null && [ $waited -lt 50 ]; do sleep 0.1; waited=$((waited + 1)); done
      kill -KILL "$pid" 2>/dev/null
    fi
    rm -rf "$1"
    [ "$round" = 2 ] || [ -n "$pid" ] || sleep 1
  done
`;

/** Starts the guard of a folder and its server. The function that it returns lets the guard go: the server has ended and the folder is gone. */
export function guard(folder, pidFile) {
  const child = spawn("/bin/sh", ["-c", guardScript, "guard", folder, pidFile], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  child.stdin.unref();
  return () => void child.kill("SIGKILL");
}

/**
 * Starts a server's program in its folder, its output in `<folder>/log`, and waits until `isReady` says so. The child does not keep
 * this process alive. @throws with the end of the log when the program ended before.
 */
export async function startProgram(program, args, { folder, user, env, isReady }) {
  const log = openSync(join(folder, "log"), "a");
  const child = spawn(program, args, {
    cwd: folder,
    ...user,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  child.unref();
  let ended;
  child.once("error", (error) => (ended = error.message)).once("exit", (code, signal) => (ended = `ended with ${signal ?? code}`));
  for (let waited = 0; !(await isReady(child)); waited++) {
    if (ended === undefined && waited < 6000) await new Promise((resolve) => setTimeout(resolve, 10));
    else {
      child.kill("SIGKILL");
      throw new Error(`${program} ${ended ?? "was not ready after a minute"}.\n${readFileSync(join(folder, "log"), "utf8").slice(-4000)}`);
    }
  }
  return child;
}

/** Sends a signal to a child and waits for its end. */
export async function endProgram(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = new Promise((resolve) => child.once("exit", resolve));
  child.ref();
  child.kill(signal);
  await end;
}
