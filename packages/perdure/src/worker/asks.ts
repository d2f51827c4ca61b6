import type { Ask } from "../engine/event.ts";

/** A line that workflow code wrote to its console. */
export interface LogLine {
  readonly level: string;
  readonly text: string;
}

/** Reads what the kernel put out: four strings per ask, as `sandbox/kernel/index.ts` lists them. */
export function readAsks(out: readonly string[]): { readonly asks: Ask[]; readonly logs: LogLine[] } {
  const asks: Ask[] = [];
  const logs: LogLine[] = [];
  for (let index = 0; index < out.length; index += 4) {
    const [kind = "", op = "", first = "", second = ""] = out.slice(index, index + 4);
    if (kind === "log") logs.push({ level: op, text: first });
    else asks.push(readAsk(kind, op, first, second));
  }
  return { asks, logs };
}

function readAsk(kind: string, op: string, first: string, second: string): Ask {
  switch (kind) {
    case "step":
      return { kind, op, stepId: first, input: second };
    case "wait":
      return { kind, op, dueAt: Number(first) };
    case "hook":
      return { kind, op, token: first, metadata: second };
    case "dispose":
      return { kind, op };
    case "completed":
      return { kind, value: first };
    case "failed":
      return { kind, error: first };
    default:
      throw new TypeError(`The kernel asked for an unknown "${kind}".`);
  }
}
