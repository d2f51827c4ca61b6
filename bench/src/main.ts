// Runs one benchmark and prints its result; started by ../run.mjs.
import { benchmarks } from "../catalogue.mjs";
import { createReport, type Measurement } from "./report.ts";
import type { Request } from "./request.ts";
import { tableOf } from "./table.ts";

type Benchmark = (request: Request) => Promise<Measurement>;

/** Loaded when used: each brings its own workflows. */
const loaders: Readonly<Record<string, () => Promise<Benchmark>>> = {
  w1: async () => (await import("./w1.ts")).w1,
  w2: async () => (await import("./w2.ts")).w2,
  w3: async () => (await import("./w3.ts")).w3,
  w4: async () => (await import("./w4.ts")).w4,
  w5: async () => (await import("./w5.ts")).w5,
  w6: async () => (await import("./w6.ts")).w6,
  w7: async () => (await import("./w7.ts")).w7,
  w8: async () => (await import("./w8.ts")).w8,
  children: async () => (await import("./children.ts")).childrenOf,
  memory: async () => (await import("./memory.ts")).memory,
  replay: async () => (await import("./replay.ts")).replay,
  peers: async () => (await import("./peers.ts")).peers,
  compile: async () => (await import("./compile.ts")).compile,
  shards: async () => (await import("./shards.ts")).shards,
  chaos: async () => (await import("../chaos/chaos.ts")).chaos,
  check: async () => (await import("./check.ts")).check,
  crash: async () => (await import("../crash/crash.ts")).crash,
};

const request = JSON.parse(process.argv[2] ?? "{}") as Request;
const benchmark = await loaders[request.name]?.();
if (!benchmark) throw new TypeError(`There is no benchmark "${request.name}".`);
const report = createReport(request, await benchmark(request));
console.log(request.json ? JSON.stringify(report) : tableOf(report, benchmarks[request.name]?.summary ?? ""));
