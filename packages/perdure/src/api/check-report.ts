import type { Difference } from "../worker/rehearsal.ts";

/** What open runs would do with the code of this process. */
export interface CheckReport {
  /** How many runs are open. */
  readonly openRuns: number;
  /** How many workflows and steps this process has. */
  readonly registered: { readonly workflows: number; readonly steps: number };
  /** In the order of workflow ids. */
  readonly versions: readonly CheckedVersion[];
  /** Parts of the World that did not answer, whose runs are missing here; empty for a World that has none. */
  readonly unavailable: readonly string[];
}

/** The open runs of one version. */
export interface CheckedVersion {
  readonly workflowId: string;
  readonly version: string;
  readonly openRuns: number;
  /** The version that this process has of the workflow; null: it does not have the workflow. Runs of another version keep their own code, which the World has. */
  readonly currentVersion: string | null;
  /** What becomes of its runs after a deploy: `options.upgrade` of the workflow in this process; "pinned" where it does not have the workflow. */
  readonly upgrade: "pinned" | "compatible";
  /** How many runs were looked at. */
  readonly checkedRuns: number;
  /** How many of them would go on with the current version as if they had begun with it. All where the version is the current one. */
  readonly compatibleRuns: number;
  /** What others would do differently, the most frequent first. They keep their own code. */
  readonly differences: readonly CheckedDifference[];
  /** What else kept the current code from being tried with a run (it ran for too long, say), the most frequent first. */
  readonly failures: readonly CheckedFailure[];
  /** Why its runs cannot go on: neither the World nor this process has the code of the version, or what the World has was altered. Null: they can. */
  readonly lost: "VERSION_NOT_FOUND" | "BUNDLE_CORRUPT" | null;
  /** Steps that the runs call or may call, and that this process does not have, in the order of ids. Runs that come to one of them wait for a worker that has it. */
  readonly missingSteps: readonly MissingStep[];
  /** Steps that take or return something else than the version's code was written for, as far as their declarations say, in the order of ids. */
  readonly changedSteps: readonly ChangedStep[];
}

/** Some of the runs that something is said of. */
export interface RunSample {
  readonly runs: number;
  /** Ids of up to three of them. */
  readonly examples: readonly string[];
}

/** The first thing that runs would do differently. Texts and rows are those of the first example. */
export interface CheckedDifference extends Difference, RunSample {}

export interface CheckedFailure extends RunSample {
  /** As of a PerdureError; "ERROR" for any other. */
  readonly code: string;
  readonly message: string;
}

export interface MissingStep {
  readonly stepId: string;
  /** How many of the runs that were looked at have called it and have no answer yet. */
  readonly waitingRuns: number;
}

export interface ChangedStep {
  readonly stepId: string;
  readonly difference: string;
}
