// Which benchmarks there are, on which Worlds, with which options. Plain JavaScript, because the command reads it before anything is built.

const windows = { default: 5, least: 1, help: "measured windows of each side, after a warm-up" };

/** Node's default depends on the machine; `perdure worker` gives its processes 64. */
const young = { "semi-space": { default: null, least: 1, help: "MB of each half of the young generation (default: Node's own)" } };

/** By name; `options` are whole numbers, or flags that make 1 of 0. A benchmark without Worlds stores nothing. */
export const benchmarks = {
  w1: {
    summary: "one run of 10 sequential no-op steps at a time",
    worlds: ["sqlite", "postgres", "memory"],
    options: { runs: { default: 30, least: 1, help: "runs in a window" }, windows, ...young },
  },
  w2: {
    summary: "many runs of 10 sequential no-op steps, started at once",
    worlds: ["sqlite", "postgres", "memory"],
    options: { runs: { default: 500, least: 1, help: "runs started at once" }, windows, ...young },
  },
  w3: {
    summary: "one run of N sequential no-op steps, N = 100, 1,000 … --steps",
    worlds: ["sqlite", "postgres", "memory"],
    options: { steps: { default: 10_000, least: 1000, help: "the largest N" }, windows, ...young },
  },
  w4: {
    summary: "one run of 100, 500 and 1,000 no-op steps side by side",
    worlds: ["sqlite", "postgres", "memory"],
    options: { windows },
  },
  w5: {
    summary: "2,000 and 10,000 runs of one no-op step, started at once",
    worlds: ["sqlite", "postgres", "memory"],
    options: { windows, ...young },
  },
  w6: {
    summary: "many runs that sleep for an hour or wait for a hook",
    worlds: ["sqlite", "postgres", "memory"],
    options: { runs: { default: 100_000, least: 2000, help: "runs, half of each kind" } },
  },
  w7: {
    summary: "kill -9 in the middle of w2; another process goes on, one that is started then or one that was there",
    worlds: ["sqlite", "postgres"],
    options: {
      runs: { default: 500, least: 50, help: "runs under way when the process is killed" },
      windows: { ...windows, help: "kills of each kind" },
    },
  },
  w8: {
    summary: "rows, statements, commits and bytes of log of a run of 10 steps, alone and with 500 others",
    worlds: ["sqlite", "postgres"],
    options: { windows: { ...windows, help: "times that 30 runs are made alone and 500 at once" } },
  },
  children: {
    summary: "1,000 children of one no-op step, of one parent and of a hundred, beside plain runs",
    worlds: ["sqlite", "postgres", "memory"],
    options: { windows, ...young },
  },
  memory: {
    summary: "memory of runs that wait, in memory and evicted",
    worlds: ["sqlite"],
    options: {
      runs: { default: 10_000, least: 1000, help: "runs of each variant" },
      census: { default: 0, flag: true, help: "also print what the bytes are, by constructor" },
    },
  },
  replay: {
    summary: "rebuild a run from 1,000, 10,000 and --events events",
    worlds: ["sqlite", "postgres", "memory"],
    options: { events: { default: 100_000, least: 20_000, help: "the largest history" }, windows },
  },
  peers: {
    summary: "w1, w2, w3 and w5 beside DBOS on the same server; its package comes from the registry, at the first use",
    worlds: ["postgres"],
    options: { runs: { default: 500, least: 1, help: "runs started at once in w2" }, windows, ...young },
  },
  compile: {
    summary: "scan, transform, first bundle and rebuild, beside a peer's packages",
    worlds: ["none"],
    options: {
      windows,
      "no-peers": { default: 0, flag: true, help: "only ours; the peer's packages come from the registry, at the first use" },
    },
  },
  check: {
    summary: "perdure check of open runs, of which half would do something else with the new code",
    worlds: ["sqlite", "postgres"],
    options: { runs: { default: 10_000, least: 2, help: "open runs" } },
  },
  crash: {
    summary: "kill -9 and stopped workers at random moments under load; checks every run and every history afterwards",
    worlds: ["sqlite"],
    options: {
      rounds: { default: 25, least: 1, help: "faults to inject" },
      seed: { default: null, least: 0, help: "repeats a schedule of faults; default: a new one, which is printed" },
    },
  },
  shards: {
    summary:
      "three servers under load: one is crashed and comes back, a fourth joins, histories are set back; checks everything afterwards",
    worlds: ["postgres"],
    // It crashes one of them.
    ownServer: true,
    options: { seconds: { default: 60, least: 4, help: "seconds for which a server is down" } },
  },
  chaos: {
    summary:
      "three workers killed and frozen, the server crashed, connections cut, at random moments under load; checks everything afterwards",
    worlds: ["postgres"],
    // It crashes the server.
    ownServer: true,
    options: {
      minutes: { default: 5, least: 1, help: "minutes of faults" },
      lease: { default: 2000, least: 300, help: "the workers' leases, in ms; a worker stands still for two of them" },
      seed: { default: null, least: 0, help: "repeats a schedule of faults; default: a new one, which is printed" },
    },
  },
};

/** Whether it may be told a database server: `--url`. */
export const usesServer = ({ worlds, ownServer = false }) => worlds.includes("postgres") && !ownServer;

/** What `--help` prints, and what an error about the command line ends with. */
export function usage() {
  const lines = ["Usage: npm run -s bench -- <name> [--world <name>] [--json] [options]", ""];
  for (const [name, benchmark] of Object.entries(benchmarks)) {
    const { summary, worlds, options } = benchmark;
    lines.push(`  ${name.padEnd(8)} ${summary}`);
    if (worlds[0] !== "none") lines.push(`           --world ${worlds.join(" | ")} (default ${worlds[0]})`);
    if (usesServer(benchmark)) lines.push("           --url <url>  a PostgreSQL server to use (default: one is started)");
    for (const [option, { default: value, flag, help }] of Object.entries(options)) {
      lines.push(`           --${option}${flag ? "" : " <n>"}  ${help}${flag || value === null ? "" : ` (default ${value})`}`);
    }
  }
  return lines.join("\n");
}
