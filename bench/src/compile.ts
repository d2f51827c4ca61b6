import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { firstBundle, firstBundleOfPeer } from "./compile/first-bundle.ts";
import { copyOrders, type OrdersApp } from "./compile/orders-app.ts";
import { bundle, runOrder, scan, transform } from "./compile/ours.ts";
import { loadPeer, type Peer } from "./compile/peer.ts";
import { sourceWithSteps } from "./compile/sources.ts";
import { growTree, type Tree } from "./compile/tree.ts";
import type { Measurement, Target } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { median } from "./statistics.ts";
import { alternate, repeat, timed } from "./windows.ts";

const nodeModules = fileURLToPath(new URL("../../node_modules", import.meta.url));
const targets: readonly Target[] = [
  { figure: "scanMs", op: "<=", bound: 250 },
  { figure: "transformMs10kB", op: "<=", bound: 3 },
  { figure: "transformMs100kB", op: "<=", bound: 40 },
  { figure: "firstBundleMs", op: "<=", bound: 250 },
  { figure: "rebuildMs", op: "<=", bound: 40 },
];

/** What the compiler costs while one develops; beside it, where they can be installed, the packages of a peer. */
export async function compile(request: Request): Promise<Measurement> {
  const rounds = { warmUps: 2, windows: optionOf(request, "windows") };
  const peer = optionOf(request, "no-peers") === 1 ? "--no-peers" : await loadPeer();
  if (typeof peer === "string") console.error(`Without peers: ${peer}`);
  const peers = typeof peer === "string" ? null : peer;
  const folder = mkdtempSync(path.join(tmpdir(), "perdure-bench-compile-"));
  try {
    const {
      wallMs,
      cpuMs,
      value: figures,
    } = await timed(async () => ({
      ...(await measureScan(growTree(path.join(folder, "tree"), nodeModules), peers, rounds)),
      ...(await measureTransform("10kB", sourceWithSteps(10_000), peers, rounds)),
      ...(await measureTransform("100kB", sourceWithSteps(100_000), peers, rounds)),
      ...(await measureBundles(folder, peers, rounds)),
    }));
    return {
      figures: { ...figures, wallSeconds: wallMs / 1000, cpuSeconds: cpuMs / 1000 },
      targets,
      runs: rounds.windows,
      database: "no storage",
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Rounds = Parameters<typeof alternate>[1];
type Figures = Record<string, number>;

/** Beside both, the bare reading of the files that a scan cannot do without. */
async function measureScan(tree: Tree, peer: Peer | null, rounds: Rounds): Promise<Figures> {
  const samples = await alternate(
    {
      scanMs: () => milliseconds(() => scan(tree)),
      readMs: () => milliseconds(() => tree.files.forEach((file) => readFileSync(file))),
      ...(peer && { peerScanMs: () => milliseconds(() => peer.scan(tree)) }),
    },
    rounds,
  );
  return { ...mediansOf(samples), scannedFiles: tree.files.length, scannedMb: tree.bytes / 1e6 };
}

async function measureTransform(size: string, code: string, peer: Peer | null, rounds: Rounds): Promise<Figures> {
  const each = async (work: () => unknown): Promise<number> => median(await repeat(200, () => milliseconds(work)));
  const samples = await alternate(
    {
      [`transformMs${size}`]: () => each(() => transform(code, "host")),
      [`transformWorkflowMs${size}`]: () => each(() => transform(code, "workflow")),
      ...(peer && {
        [`peerTransformMs${size}`]: () => each(() => peer.transform(code, "step")),
        [`peerTransformWorkflowMs${size}`]: () => each(() => peer.transform(code, "workflow")),
      }),
    },
    rounds,
  );
  return mediansOf(samples);
}

async function measureBundles(folder: string, peer: Peer | null, rounds: Rounds): Promise<Figures> {
  const ours = copyOrders(path.join(folder, "orders"), "perdure", nodeModules);
  const theirs = peer && copyOrders(path.join(folder, "orders-of-peer"), "@workflow/core", peer.nodeModules);
  const loads: number[] = [];
  const firsts = await alternate(
    {
      firstBundleMs: async () => {
        const { totalMs, loadMs } = await firstBundle(ours.file);
        loads.push(loadMs);
        return totalMs;
      },
      ...(peer && theirs && { peerFirstBundleMs: async () => (await firstBundleOfPeer(peer.builders, theirs.root)).totalMs }),
    },
    rounds,
  );
  const watched = peer && theirs && (await peer.watch(theirs.root));
  const rebuilds = await alternate(
    {
      rebuildMs: rebuild(ours, () => bundle(ours.file), runOrder),
      ...(watched && theirs && { peerRebuildMs: rebuild(theirs, () => watched.rebuild()) }),
    },
    rounds,
  );
  await watched?.dispose();
  return { ...mediansOf(firsts), firstBundleLoadMs: median(loads.slice(-rounds.windows)), ...mediansOf(rebuilds) };
}

/** A measurement of the rebuild after an edit, which must give another bundle each time; `check` looks at it when the time has been taken. */
function rebuild(app: OrdersApp, build: () => Promise<string>, check?: (bundle: string) => Promise<void>): () => Promise<number> {
  let last: string | null = null;
  return async () => {
    app.edit();
    const { wallMs, value } = await timed(build);
    if (value === last) throw new Error("The bundle is the same after an edit.");
    last = value;
    await check?.(value);
    return wallMs;
  };
}

async function milliseconds(work: () => unknown): Promise<number> {
  return (await timed(async () => work())).wallMs;
}

function mediansOf(samples: Readonly<Record<string, readonly number[]>>): Figures {
  return Object.fromEntries(Object.entries(samples).map(([figure, values]) => [figure, median(values)]));
}
