/**
 * Every error code of the runtime, with what to do about it. The message says what happened and names the things involved; the hint is
 * the same for every occurrence. Codes are stable: programs may branch on them.
 */
export const catalogue = {
  BUNDLE_CORRUPT:
    "The workflow's code in the World does not match its hash. Restore it from a backup, or start a worker that was built with the version.",
  CANCELLED: "Let it pass, or clean up in `finally`: calls inside `shield()` still work.",
  CLIENT_NOT_SUPPORTED:
    "Keep runs in the database of your own rows (`@perdure/world-postgres`), or start the run after the commit, with an `id`, so that it can be repeated.",
  HISTORY_UNREADABLE:
    "Export the run again with `perdure export-history`, or read the file with a release that knows its form; files of former releases stay readable.",
  HOOK_CONFLICT: "Hook tokens are unique among living hooks: use another token, or dispose of the hook that holds this one.",
  HOOK_DISPOSED: "Await the hook before it is disposed of, or iterate it with `for await`: that ends when the hook does.",
  HOOK_NO_REPLY:
    "Let the workflow take the payload with `hook.request()` or `hook.requests()`, and reply before it disposes of the hook or ends.",
  HOOK_NOT_FOUND: "Check the token. A hook exists from the commit of the turn that created it until it is disposed of or its run ends.",
  HOOK_PAYLOAD_INVALID: "Send a payload that fits the hook's schema; `issues` say where it does not.",
  INVALID_ARGUMENT: "Correct the argument; the message names it and says what it must be.",
  INVALID_CONFIGURATION: "Correct the setting; the message names it and says what it must be.",
  NONDETERMINISM:
    "The workflow's code did something else than its history says. Keep workflow code free of chance, real time and shared state; move such code into a step. A run to which this happens is parked, its history unharmed.",
  NOT_AVAILABLE_IN_WORKFLOW: 'Workflow code runs in a deterministic sandbox. Move this call into a function marked "use step".',
  NOT_IN_STEP: 'Call it from a function marked "use step" while that runs inside a run.',
  NOT_IN_WORKFLOW: 'Call it from a function marked "use workflow", in a process whose code went through the Perdure compiler.',
  PROTOCOL_UNSUPPORTED: "The workflow's code was built for another version of the runtime. Upgrade `perdure` on this worker.",
  REPAIR_REFUSED:
    "The message says what stands in the way. Name another row, deal with what it names first, or fork the run instead of rewinding it; see docs/repairing.md.",
  RUN_ALREADY_EXISTS: "Choose another id, or say what to do with `ifExists`: `return` gives the run that exists, `replace` ends it.",
  RUN_CANCELLED: "The run was cancelled; it has no return value.",
  RUN_CHANGED: "Look at the run as it is now, and decide again.",
  RUN_CRASHES_WORKER:
    "Look for a step that ends the process (out of memory, process.exit, a native crash) in this run, mend it, and start the run anew.",
  RUN_FAILED: "The workflow threw. The error's `cause` is what it threw.",
  RUN_NOT_FOUND: "Check the id, and that this process uses the same World as the one that started the run.",
  SERIALIZATION_FAILED:
    "Pass data: what structuredClone takes, errors, URL, Headers, Request, Response, Blob, FormData. Leave functions and promises out; see docs/values.md for instances of your own classes.",
  STEP_INTERRUPTED: "Find out from the outside world whether the step took effect, then decide in the workflow's `catch`.",
  STEP_NOT_FOUND:
    "Deploy a worker whose code has this step (same package, file and export), or restore the step. The run waits until then.",
  STREAM_NOT_WRITABLE: "Await what writes to a stream before the step returns, and close it last: `await source.pipeTo(getWritable())`.",
  TIMED_OUT: "Allow more time, or make the work smaller; a step can watch `getStepMetadata().signal` and stop.",
  VALUE_TOO_LARGE:
    "Keep large data where it belongs (a file, a bucket, a table) and pass a reference to it: every value is stored in the history of the run.",
  VERSION_NOT_FOUND: "No worker and no World has the code of this version. Deploy it again; the run waits until then.",
  WATCHDOG_TIMEOUT:
    "Workflow code must yield: it may compute briefly between durable calls. Move the long computation or the endless loop into a step.",
  WORKER_STOPPED: "The worker was stopped. Start another one; its runs go on there.",
  WORKFLOW_CALLED_DIRECTLY:
    'Start it: `import { start } from "perdure/api"; const run = await start(workflow, [args])`, then `await run.returnValue`.',
  WORKFLOW_NOT_COMPILED:
    'Mark the function "use workflow" and build with a Perdure plugin (`@perdure/compiler/vite`, `/esbuild`) or run with `node --import @perdure/compiler/register`.',
  WORKFLOW_NOT_FOUND:
    "Deploy a worker whose code has this workflow (same package, file and export), or restore it. The run that starts it waits until then.",
  WORK_REFUSED:
    "The process was started by a tool that looks at code (`perdure check`). Let its entry be a module that imports your workflows and steps and starts nothing by itself.",
  WORLD_PACKAGE_MISSING: "Install the package that the message names, or set PERDURE_WORLD to another World.",
  WORLD_UNKNOWN_SCHEME: "Use `sqlite:./path/to/file.db`, `memory:`, or call setWorld() with a World of your own.",
} as const;

/** The codes of the runtime's errors. */
export type PerdureErrorCode = keyof typeof catalogue;
