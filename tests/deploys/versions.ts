/** Five successive versions of one workflow, and what a run of each comes to. */

/** What all versions share: processes that work, start runs, or collect results. */
const around = `
const { ROLE = "work", VERSION = "", RUNS = "0", UP_TO = "0" } = process.env;
const ids = (version: number | string) => Array.from({ length: Number(RUNS) }, (_, n) => ({ n, id: \`v\${version}-\${n}\` }));
if (ROLE === "work") {
  await startWorker({ leaseMs: 1500, graceMs: 1000 });
  if (RUNS !== "0") {
    await startMany(ids(VERSION).map(({ n, id }) => [fulfil, [n], { id }] as const));
    console.log("started");
  }
  console.log("ready");
} else {
  const all = Array.from({ length: Number(UP_TO) }, (_, v) => ids(v + 1)).flat();
  const open = async (id: string) => {
    for (;;) {
      try {
        await resumeHook("gate-" + id, id);
        return;
      } catch (error) {
        if (error.code !== "HOOK_NOT_FOUND") throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  await Promise.all(all.filter(({ n }) => n % 2 === 1).map(({ id }) => open(id)));
  const world = await getWorld();
  for (const { id } of all) {
    const value = await getRun(id).returnValue.catch((error) => String(error.cause ?? error));
    console.log("result " + JSON.stringify([id, (await world.query.run({ key: id }))!.version, value]));
  }
  await world.close();
}
`;

const head = `import { createHook, getWorkflowMetadata, sleep } from "perdure";
import { getRun, resumeHook, startMany } from "perdure/api";
import { getWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";
/** Some runs are on their way from one deploy to the next, the others wait for what comes behind the last. */
async function gate(n: number) {
  await sleep(50 + (n % 10) * 150);
  return n % 2 === 1 ? createHook<string>({ token: "gate-" + getWorkflowMetadata().workflowRunId }) : "open";
}
`;

const step = (name: string): string =>
  `export async function ${name}(n: number, part = 0) { "use step"; return "${name} " + n + "." + part; }\n`;

interface Version {
  readonly code: string;
  /** From former names of steps to those that they have now. */
  readonly renames: Readonly<Record<string, string>>;
  /** What its run number `n` returns. @param gate what the run was told at its gate */
  result(n: number, gate: string): readonly string[];
}

/** @param workflow the body of the workflow, in which `t` collects what it has seen */
function version(
  steps: readonly string[],
  workflow: string,
  result: Version["result"],
  renames: Readonly<Record<string, string>> = {},
): Version {
  const body = `export async function fulfil(n: number) {\n  "use workflow";\n  const t: string[] = [];\n${workflow}\n  return t;\n}\n`;
  return { code: head + steps.map(step).join("") + body + around, renames, result };
}

const did = (name: string, n: number, part = 0): string => `${name} ${n}.${part}`;

export const versions: readonly Version[] = [
  version(
    ["reserve", "charge", "pack", "ship"],
    `  t.push("first", await reserve(n), await charge(n));
  for (let i = 0; i < 2; i++) t.push(await pack(n, i));
  t.push(await gate(n), await ship(n), await pack(n, 9));`,
    (n, gate) => ["first", did("reserve", n), did("charge", n), did("pack", n), did("pack", n, 1), gate, did("ship", n), did("pack", n, 9)],
  ),
  // Steps were added before and behind the gate.
  version(
    ["reserve", "charge", "audit", "pack", "ship", "notify"],
    `  t.push("added", await reserve(n), await charge(n), await audit(n));
  for (let i = 0; i < 2; i++) t.push(await pack(n, i));
  t.push(await gate(n), await ship(n), await audit(n, 1), await notify(n));`,
    (n, gate) => [
      "added",
      did("reserve", n),
      did("charge", n),
      did("audit", n),
      did("pack", n),
      did("pack", n, 1),
      gate,
      did("ship", n),
      did("audit", n, 1),
      did("notify", n),
    ],
  ),
  // \`charge\` is not called any more; its function stays for the runs that call it.
  version(
    ["reserve", "charge", "audit", "pack", "ship", "notify"],
    `  t.push("removed", await reserve(n), await audit(n));
  for (let i = 0; i < 2; i++) t.push(await pack(n, i));
  t.push(await gate(n), await ship(n), await notify(n));`,
    (n, gate) => ["removed", did("reserve", n), did("audit", n), did("pack", n), did("pack", n, 1), gate, did("ship", n), did("notify", n)],
  ),
  // The same steps in another order, on either side of the gate.
  version(
    ["reserve", "charge", "audit", "pack", "ship", "notify"],
    `  for (let i = 0; i < 2; i++) t.push(await pack(n, i));
  t.push("reordered", await audit(n), await notify(n));
  t.push(await gate(n), await reserve(n), await ship(n));`,
    (n, gate) => [
      did("pack", n),
      did("pack", n, 1),
      "reordered",
      did("audit", n),
      did("notify", n),
      gate,
      did("reserve", n),
      did("ship", n),
    ],
  ),
  // \`pack\` is called \`wrap\` now, and the loop is longer and concurrent. What it returns has changed for all: steps are the worker's.
  version(
    ["reserve", "charge", "audit", "wrap", "ship", "notify"],
    `  t.push("renamed", ...(await Promise.all([0, 1, 2, 3].map((i) => wrap(n, i)))));
  t.push(await gate(n), await wrap(n, 9), await ship(n));`,
    (n, gate) => ["renamed", ...[0, 1, 2, 3].map((i) => did("wrap", n, i)), gate, did("wrap", n, 9), did("ship", n)],
    { "app/app.ts#pack": "app/app.ts#wrap" },
  ),
];
