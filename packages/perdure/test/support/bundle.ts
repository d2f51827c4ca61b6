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
  return withVersion(`/*perdure:1*/(function(__perdure){${head}return ${body}})`);
}

/**
 * The same with a shared part. `shared` is the text of an expression: an object of what `body` finds in `__shared`.
 */
export function sharedBundleOf(body: string, shared: string): WorkflowBundle {
  const part = `(function(__perdure){"use strict";\nreturn ${shared}})`;
  return withVersion(`/*perdure:2 ${part.length}*/(function(__perdure,__shared){${head}return ${body}})\n${part}`);
}

const head = `"use strict";const{${names.join(",")}}=__perdure;`;

function withVersion(code: string): WorkflowBundle {
  return { code, version: createHash("sha256").update(code).digest("hex"), map: '{"version":3,"sources":[],"names":[],"mappings":""}' };
}

/** Registers a hand-written workflow and returns what `start()` takes. */
export function workflowOf<A extends unknown[] = unknown[], R = unknown>(
  id: string,
  body: string,
  bundle: WorkflowBundle = bundleOf(body),
): (...args: A) => Promise<R> {
  return workflow(id, async (): Promise<R> => Promise.reject(new Error("called")), id, bundle) as (...args: A) => Promise<R>;
}
