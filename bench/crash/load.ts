/** A run to be started, under a key of its own. */
export interface PlannedRun {
  readonly key: string;
  readonly workflow: string;
  readonly n: number;
  /** Of runs that wait on a hook: who sends the payloads. */
  readonly sender: "parent" | "worker" | null;
}

/** What the workflow that waits on a hook is sent, in this order. */
export function payloadsOf({ n }: PlannedRun): { readonly amount: number }[] {
  return [{ amount: 1 + (n % 7) }, { amount: 10 + (n % 5) }];
}

/** Payloads are sent until somebody has sent them; their keys make that harmless. */
export function payloadKey(run: PlannedRun, index: number): string {
  return `${run.key}-payload-${index}`;
}

/** The workflows of the load, by name. */
export const crashLoad = ["chain", "fanOut", "naps", "approval", "retries", "nested", "branches", "race"];

/** The next runs of a load, all its workflows in turn. */
export function planRuns(from: number, count: number, names: readonly string[]): PlannedRun[] {
  return Array.from({ length: count }, (_, index) => {
    const n = from + index;
    const workflow = names[n % names.length] ?? "chain";
    const sender = Math.floor(n / names.length) % 2 === 0 ? "parent" : "worker";
    return { key: `${workflow}-${n}`, workflow, n, sender: workflow === "approval" ? sender : null };
  });
}
