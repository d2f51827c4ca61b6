// What tests and benchmarks stand on: the servers of scripts/postgres.mjs and scripts/pgbouncer.mjs.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { query, startPostgres } from "../scripts/postgres.mjs";
import { hasTestPostgres, testPostgres } from "../scripts/test-servers.mjs";

/** Runs statements on a connection of their own; the value of the last one's only column. */
async function ask(url: string, ...statements: string[]): Promise<unknown> {
  const [row = {}] = await query(url, statements);
  return Object.values(row)[0];
}

const alive = (url: string): Promise<boolean> =>
  ask(url, "SELECT 1").then(
    () => true,
    () => false,
  );

test.runIf(hasTestPostgres())(
  "a server keeps its address and its data over a crash, takes settings, and stops without a trace",
  async () => {
    const server = await startPostgres({ settings: { work_mem: "5MB" } });
    try {
      const url = await server.createDatabase("shop");
      await ask(url, "CREATE TABLE orders (id int)", "INSERT INTO orders VALUES (7)");
      await server.restart("immediate");
      expect(await ask(url, "SELECT id FROM orders")).toBe(7);
      expect(await ask(url, "SHOW fsync")).toBe("on");
      expect(await ask(url, "SHOW work_mem")).toBe("5MB");
      await server.reload({ work_mem: "6MB" });
      expect(await ask(url, "SHOW work_mem")).toBe("6MB");
      await server.reload({ work_mem: null });
      expect(await ask(url, "SHOW work_mem")).toBe("5MB");
      await server.stop({ keepData: true });
      expect(await alive(url)).toBe(false);
      await server.start();
      expect(await ask(url, "SELECT id FROM orders")).toBe(7);
    } finally {
      await server.stop();
    }
    expect(existsSync(server.folder)).toBe(false);
    await expect(server.start()).rejects.toThrow("its data are gone");
  },
);

test.runIf(hasTestPostgres())("a server ends with the process that started it, also when that is killed", async () => {
  const script = fileURLToPath(new URL("../scripts/postgres.mjs", import.meta.url));
  const program = `const { url, folder } = await (await import(${JSON.stringify(script)})).startPostgres(); console.log(JSON.stringify({ url, folder })); setInterval(() => {}, 1e6)`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const { url, folder } = JSON.parse(line.toString()) as { url: string; folder: string };
  expect(await alive(url)).toBe(true);
  child.kill("SIGKILL");
  await expect.poll(() => existsSync(folder)).toBe(false);
  expect(await alive(url)).toBe(false);
});

for (const [name, options] of [
  ["PostgreSQL 18", {}],
  ["PostgreSQL 15", { version: "15" }],
  ["PgBouncer before PostgreSQL 18", { pooled: true }],
  ["PgBouncer before PostgreSQL 15", { version: "15", pooled: true }],
] as const) {
  const there = hasTestPostgres(options);
  test.runIf(there)(`tests get databases of their own on ${name}${there ? "" : " (not installed here)"}`, async () => {
    const [one, other] = await Promise.all([testPostgres(options), testPostgres(options)]);
    expect(one).not.toBe(other);
    await ask(one!, "CREATE TABLE mine (id int)");
    expect(await ask(other!, "SELECT to_regclass('mine')")).toBe(null);
    expect(String(await ask(one!, "SHOW server_version"))).toMatch("version" in options ? /^15/ : /^18/);
  });
}

test("a version that is not here is refused with what to install", async () => {
  await expect(startPostgres({ version: "9" })).rejects.toThrow("install the package postgresql-9");
});

test("a connection whose end was just said can be cut, and the process that cut it comes to its end", () => {
  const script = new URL("../scripts/reset-socket.mjs", import.meta.url).href;
  const program = `
    import { connect, createServer } from "node:net";
    import { resetSocket } from ${JSON.stringify(script)};
    const server = createServer((socket) => {
      socket.on("error", () => {}).on("close", () => console.log("closed")).end("last words");
      resetSocket(socket);
      server.close();
    }).listen(0, "127.0.0.1", () => connect(server.address().port, "127.0.0.1").on("error", () => {}).resume());`;
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8", timeout: 60_000 });
  expect([status, stdout]).toEqual([0, "closed\n"]);
});
