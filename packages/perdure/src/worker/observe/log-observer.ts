import { stackOf } from "./stack-of.ts";
import type { Observer, WorkerEvent } from "./observer.ts";

/** What a logger must be able to do; `console`, pino and winston can. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

type Level = keyof Logger;

/**
 * Writes a line for each thing that happens in a worker. `error`: runs that failed. `warn`: attempts that failed, runs that were parked or lost, commits whose outcome is unknown, a lapsed lease. `info`: runs
 * that start and end. `debug`: the rest. What workflow code writes to its console, and warnings of the runtime, are printed by themselves and left out.
 */
export function logObserver(logger: Logger): Observer {
  return {
    observe(event) {
      const line = lineOf(event);
      if (line) logger[line[0]](`perdure: ${line[1]}`);
    },
  };
}

function lineOf(event: WorkerEvent): [Level, string] | null {
  switch (event.type) {
    case "run_started":
      return ["info", `run ${event.runId} of ${event.workflowId} starts`];
    case "run_claimed":
      return [
        "debug",
        `run ${event.runId} claimed with fence ${event.fence}${event.isTakeover ? `, taken over (${event.crashes} since it last got on)` : ""}`,
      ];
    case "run_replayed":
      return ["debug", `run ${event.runId} replayed: ${event.rows} events in ${event.ms.toFixed(1)} ms`];
    case "run_parked":
      return ["warn", `run ${event.runId} is parked: ${event.reason}`];
    case "run_released":
      return [event.reason === "idle" || event.reason === "stopping" ? "debug" : "warn", `run ${event.runId} given back: ${event.reason}`];
    case "run_ended":
      return endLine(event);
    case "attempt_started":
      return ["debug", `attempt ${event.attempt} of ${event.operation} of run ${event.runId} starts`];
    case "attempt_settled":
      return attemptLine(event);
    case "commit":
      return commitLine(event);
    case "lease_lapsed":
      return ["warn", `worker ${event.worker} stood still for so long that its lease may be over`];
    case "lease_renewed":
    case "console":
    case "warning":
      return null;
    default:
      return event satisfies never;
  }
}

function endLine(event: Extract<WorkerEvent, { type: "run_ended" }>): [Level, string] {
  const line = `run ${event.runId} of ${event.workflowId} ${event.status}`;
  if (event.status === "completed") return ["info", line];
  return [event.status === "failed" ? "error" : "info", `${line}: ${stackOf(event.error)}`];
}

function attemptLine(event: Extract<WorkerEvent, { type: "attempt_settled" }>): [Level, string] {
  const line = `attempt ${event.attempt} of ${event.operation} of run ${event.runId} ${event.outcome} after ${event.ms.toFixed(1)} ms`;
  if (event.outcome === "completed" || event.outcome === "unwanted") return ["debug", line];
  const next = event.nextAttemptAt === undefined ? "" : `, next at ${new Date(event.nextAttemptAt).toISOString()}`;
  return ["warn", `${line}${next}: ${stackOf(event.error)}`];
}

function commitLine(event: Extract<WorkerEvent, { type: "commit" }>): [Level, string] {
  const line = `${event.commits} commits, ${event.rows} events in ${event.ms.toFixed(1)} ms`;
  if (event.outcome === "unknown") return ["warn", `${line}: outcome unknown`];
  if (event.committed === event.commits) return ["debug", line];
  return ["warn", `${line}: ${event.fenced} fenced, ${event.behind} behind, ${event.failed} failed`];
}
