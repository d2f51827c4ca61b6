import { createHash } from "node:crypto";

import { workflow } from "../../src/internal.ts";
import type { WorkflowBundle } from "../../src/registry.ts";
import { workflowModule } from "../../src/sandbox/kernel/workflow-module.ts";

const names = Object.keys(workflowModule).filter((name) => /^[a-z]/.test(name));

/**
 * A workflow bundle by hand, as the compiler would write it. `body` is the text of an expression: the workflow's function, which finds the runtime
 * in `__perdure`, and all that it exports in lower case by its name.
 */
export function bundleOf(body: string): WorkflowBundle {
  const code = `/*perdure:1*/(function(__perdure){"use strict";const{${names.join(",")}}=__perdure;return ${body}})`;
  return { code, version: createHash("sha256").update(code).digest("hex"), map: '{"version":3,"sources":[],"names":[],"mappings":""}' };
}

/** Registers a hand-written workflow and returns what `start()` takes. */
export function workflowOf<A extends unknown[] = unknown[], R = unknown>(id: string, body: string): (...args: A) => Promise<R> {
  return workflow(id, async (): Promise<R> => Promise.reject(new Error("called")), id, bundleOf(body)) as (...args: A) => Promise<R>;
}
