import { transform } from "esbuild";
import { compile } from "../../src/compile.ts";
import type { FuzzProgram } from "./programs.ts";

/** What became of a program: refused with these codes, or accepted, with what is wrong with it. */
export type Outcome = { refused: string[] } | { refused: null; wrong: string[] };

type Step = { target: (...args: unknown[]) => unknown; isClosure: boolean };

/**
 * Compiles a program for both targets and runs it: the workflow's code in one module, its steps by their ids in another. It must give what
 * the program gives without its directives; no step's body may be left in the workflow's module, no workflow's body in the host's.
 */
export async function runProgram({ template, directives }: FuzzProgram): Promise<Outcome> {
  const fill = (text: (index: number) => string) => template.replace(/%D(\d+)%/g, (_, index: string) => text(Number(index)));
  const source = fill((index) => directives[index]?.text ?? "");
  const options = { id: "fuzz/program.ts", filename: "program.ts" };
  const host = compile(source, { ...options, target: "host" });
  const errors = host.diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) return { refused: errors.map(({ code }) => code) };
  const workflow = compile(source, { ...options, target: "workflow" });

  const wrong = [...leftovers(host.code, workflow.code, directives.length)];
  const count = host.manifest.steps.length + host.manifest.workflows.length;
  if (count !== directives.length) wrong.push(`${directives.length} directives became ${count} functions`);

  const [hostCode, workflowCode, undirectedCode] = await Promise.all([host.code, workflow.code, fill(() => "")].map(toCommonJs));
  const steps = new Map<string, Step>();
  load(hostCode, {
    step: (id: string, target: Step["target"]) => (steps.set(id, { target, isClosure: false }), target),
    closureStep: (id: string, target: Step["target"]) => void steps.set(id, { target, isClosure: true }),
    workflow: (_: string, fn: unknown) => fn,
    workflowCalled: (id: string) => new Error(`workflow called: ${id}`),
  });
  for (const { id } of host.manifest.steps) if (!steps.has(id)) wrong.push(`${id} is not registered`);

  const called = new Set<string>();
  const callStep = async (id: string, args: unknown[], captures?: unknown) => {
    called.add(id);
    const step = steps.get(id);
    if (step === undefined) throw new Error(`${id} is not registered`);
    const fn = step.isClosure ? (step.target(structuredClone(captures ?? {})) as Step["target"]) : step.target;
    return structuredClone(await fn(...structuredClone(args)));
  };
  const directed = await outcomeOf(load(workflowCode, { callStep })["$perdure0"]);
  const undirected = await outcomeOf(load(undirectedCode, {})["main"]);
  if (directed !== undirected) wrong.push(`gives ${directed} instead of ${undirected}`);
  for (const { id } of host.manifest.steps) if (!called.has(id)) wrong.push(`${id} is not called`);
  return { refused: null, wrong };
}

function* leftovers(host: string, workflow: string, count: number): Generator<string> {
  const times = (text: string, index: number) => text.split(`"mark ${index}"`).length - 1;
  for (let index = 0; index < count; index++) {
    const [inHost, inWorkflow] = index === 0 ? [0, 1] : [1, 0];
    if (times(host, index) !== inHost) yield `body ${index} is ${times(host, index)} times in the host's module`;
    if (times(workflow, index) !== inWorkflow) yield `body ${index} is ${times(workflow, index)} times in the workflow's module`;
  }
}

async function toCommonJs(typescript: string): Promise<string> {
  return (await transform(typescript, { loader: "ts", format: "cjs", target: "node20" })).code;
}

function load(code: string | undefined, internal: object): Record<string, unknown> {
  const module = { exports: {} as Record<string, unknown> };
  // oxlint-disable-next-line no-implied-eval -- the point of the test
  new Function("module", "exports", "require", code ?? "")(module, module.exports, () => internal);
  return module.exports;
}

async function outcomeOf(fn: unknown): Promise<string> {
  try {
    return JSON.stringify(await (fn as () => Promise<unknown>)());
  } catch (error) {
    return `an error (${String(error)})`;
  }
}
