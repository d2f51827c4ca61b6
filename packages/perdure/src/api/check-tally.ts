import type { VersionRecord } from "@perdure/world";

import { findStep, registeredFunctions } from "../registry.ts";
import type { Code, Difference } from "../worker/rehearsal.ts";
import type { ChangedStep, CheckedDifference, CheckedFailure, CheckedVersion, MissingStep } from "./check-report.ts";
import { differenceOf, readSignatures, type Signature } from "./signatures.ts";

/** The code that runs of a version have, and the one that this process has. */
export interface Codes {
  readonly own: Code | null;
  /** Of the steps that the version calls. */
  readonly signatures: ReadonlyMap<string, Signature>;
  readonly current: Code | null;
  readonly lost: CheckedVersion["lost"];
  readonly upgrade: CheckedVersion["upgrade"];
}

/** Counts what is found out about the open runs of one version. */
export interface Tally {
  readonly codes: Codes;
  /** Whether another run is to be looked at; it is counted then. */
  take(sample: number | undefined): boolean;
  /** A run has called these steps, by their ids, and has no answer yet. */
  calls(stepIds: ReadonlySet<string>): void;
  fits(): void;
  differs(runId: string, difference: Difference): void;
  failed(runId: string, error: unknown): void;
  result(): CheckedVersion;
}

const mostExamples = 3;

/** What is said of several runs, by what they have in common. */
class Groups<T> {
  readonly #groups = new Map<string, { readonly what: T; runs: number; readonly examples: string[] }>();

  add(name: string, runId: string, what: T): void {
    let group = this.#groups.get(name);
    if (!group) this.#groups.set(name, (group = { what, runs: 0, examples: [] }));
    group.runs++;
    if (group.examples.length < mostExamples) group.examples.push(runId);
  }

  list(): (T & { readonly runs: number; readonly examples: readonly string[] })[] {
    return [...this.#groups.values()]
      .sort((one, other) => other.runs - one.runs)
      .map(({ what, runs, examples }) => ({ ...what, runs, examples }));
  }
}

export function createTally({ workflowId, version, open }: VersionRecord, codes: Codes): Tally {
  const waiting = new Map<string, number>();
  const differences = new Groups<Difference>();
  const failures = new Groups<Pick<CheckedFailure, "code" | "message">>();
  let checked = 0;
  let compatible = 0;
  return {
    codes,
    take(sample) {
      if (sample !== undefined && checked >= sample) return false;
      checked++;
      return true;
    },
    calls(stepIds) {
      for (const id of stepIds) waiting.set(id, (waiting.get(id) ?? 0) + 1);
    },
    fits() {
      compatible++;
    },
    differs(runId, difference) {
      differences.add(kindOf(difference), runId, difference);
    },
    failed(runId, error) {
      const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
      const failure = { code: typeof code === "string" ? code : "ERROR", message: typeof message === "string" ? message : String(error) };
      failures.add(failure.code, runId, failure);
    },
    result: () => ({
      workflowId,
      version,
      openRuns: open,
      currentVersion: codes.current?.version ?? null,
      upgrade: codes.upgrade,
      checkedRuns: checked,
      compatibleRuns: codes.current?.version === version ? checked : compatible,
      differences: differences.list() satisfies CheckedDifference[],
      failures: failures.list(),
      lost: codes.lost,
      ...stepsOf(codes.signatures, waiting),
    }),
  };
}

/** Runs differ in the same way if it is the same operation at the same place of the code. Times, tokens and numbers of calls are those of a run. */
function kindOf({ recorded, actual, recordedAt, actualAt }: Difference): string {
  const sides = [recorded, actual].map((side) => side.split(" ", 2).join(" ").replace(/#\d+$/, ""));
  return JSON.stringify([...sides, recordedAt, actualAt]);
}

function stepsOf(
  signatures: ReadonlyMap<string, Signature>,
  waiting: ReadonlyMap<string, number>,
): Pick<CheckedVersion, "missingSteps" | "changedSteps"> {
  const ids = [...new Set([...waiting.keys(), ...signatures.keys()])].sort();
  const missingSteps: MissingStep[] = ids
    .filter((id) => findStep(id) === undefined)
    .map((stepId) => ({ stepId, waitingRuns: waiting.get(stepId) ?? 0 }));
  const current = currentSignatures();
  const changedSteps = ids.flatMap((stepId): ChangedStep[] => {
    const before = signatures.get(stepId);
    const now = current.get(findStep(stepId)?.id ?? "");
    const difference = before && now && differenceOf(before, now);
    return difference ? [{ stepId, difference }] : [];
  });
  return { missingSteps, changedSteps };
}

/** The steps that code may call, as far as its source map says. */
export function signaturesOf(code: Code | null): ReadonlyMap<string, Signature> {
  return (code && "map" in code && readSignatures(code.map)) || new Map<string, Signature>();
}

/** The steps that workflows of this process call, as they are declared now. */
function currentSignatures(): ReadonlyMap<string, Signature> {
  const all = new Map<string, Signature>();
  for (const { bundle } of registeredFunctions().workflows) for (const [id, signature] of signaturesOf(bundle)) all.set(id, signature);
  return all;
}
