/** One kind of mistake: everything that is ever said about it, in one place. */
export interface CatalogueEntry {
  severity: "error" | "warning";
  /** What happened. `{name}` stands for a parameter. */
  message: string;
  /** What to do, in one sentence. */
  hint: string;
  /** Why it is a mistake, for the page of the code in the documentation. */
  prose: string;
}

const error = <Message extends string, Hint extends string>(message: Message, hint: Hint, prose: string) =>
  ({ severity: "error", message, hint, prose }) as const;
const warning = <Message extends string, Hint extends string>(message: Message, hint: Hint, prose: string) =>
  ({ severity: "warning", message, hint, prose }) as const;

/**
 * Every diagnostic of the compiler by its code. Codes are stable. The documentation's page of a code is made from its entry.
 */
export const catalogue = {
  SYNTAX_ERROR: error(
    "This file does not parse: {reason}.",
    "Fix the syntax; the file's extension decides whether TypeScript and JSX are allowed in it.",
    "A file with a directive must parse before anything can be said about it. `.ts`, `.mts` and `.cts` are TypeScript, `.tsx` is TypeScript with JSX, everything else is JavaScript with JSX.",
  ),
  DIRECTIVE_TYPO: error(
    'The string "{text}" is almost "{expected}".',
    'Write it exactly: "{expected}".',
    "A misspelt directive would leave an ordinary function that is not durable, and nothing would say so until a process dies. Strings that stand where a directive could stand and are within two edits of one are therefore mistakes. Case, hyphens and spaces count too.",
  ),
  DIRECTIVE_ESCAPED: error(
    'The directive "{expected}" is written with an escape sequence.',
    "Write it without escapes.",
    "The language compares directives by their source text, so `'use\\x20step'` is not a directive although its value looks like one.",
  ),
  DIRECTIVE_TEMPLATE: error(
    'The directive "{expected}" is written as a template literal.',
    "Use single or double quotes.",
    "The language knows string literals as directives; a template literal is an expression that is evaluated and thrown away.",
  ),
  DIRECTIVE_NOT_FIRST: error(
    'The directive "{expected}" comes after other statements.',
    "Move it to the first line of the function (or of the file).",
    "Directives are only recognised before the first statement of a function body or file. Comments and other directives may come before it.",
  ),
  DIRECTIVE_STRAY: error(
    'The string "{expected}" is not a directive here: {reason}.',
    "Make it the first statement of an async function's body, a plain string literal on its own.",
    "A directive in a place where the language sees none would be ignored silently, so it is a mistake.",
  ),
  DIRECTIVE_CONFLICT: error(
    "{subject} is marked both as a step and as a workflow.",
    "Keep one of the two directives.",
    "A workflow is replayed from history and must not touch the world; a step does touch it and runs once. No function is both.",
  ),
  FUNCTION_NOT_ASYNC: error(
    "The {kind} {name} is not async.",
    "Add `async`; a call of a {kind} always returns a promise.",
    "Steps and workflows finish later than they are called, possibly in another process. Their type must say so.",
  ),
  FUNCTION_IS_GENERATOR: error(
    "The {kind} {name} is a generator.",
    "Return the values as an array, or write them to a stream.",
    "A generator hands out values while it runs; the result of a {kind} is recorded once, as a whole.",
  ),
  FUNCTION_IS_ACCESSOR: error(
    "A getter or setter cannot be a {kind}.",
    "Make it an async method or function.",
    "Accessors are synchronous, and a property read does not look like a call which may take days.",
  ),
  FUNCTION_IN_CLASS: error(
    "The method {name} cannot be a {kind}: {reason}.",
    "Move the code to an async function at the top level of the module and pass it what it needs.",
    "A {kind} is found by its id in a process that has only loaded the module. What decorators make of a method is known only where the class is defined; a workflow cannot belong to an instance, because no run has one.",
  ),
  FUNCTION_IN_FUNCTION: error(
    "A {kind} cannot be declared inside the function {name}.",
    "Move it to the top level of the module and pass it what it needs as arguments.",
    "The function that surrounds it may be called many times or never, so a worker that starts later could not find it.",
  ),
  FUNCTION_POSITION: error(
    "A {kind} cannot be {where}.",
    "Declare it as an async function at the top level of the module, or inside the workflow that calls it.",
    "Loading a module must only define what it has: a {kind} that is called there would run whenever a process starts.",
  ),
  FUNCTION_UNNAMED: error(
    "This {kind} has no name.",
    "Write a name behind `function` (`async function charge`), or assign it to a constant.",
    "Histories refer to a {kind} by an id that is made of names. A number would change with everything that is inserted before it.",
  ),
  FUNCTION_REASSIGNED: error(
    "A {kind} cannot be assigned to a variable that exists already.",
    "Declare it with `const` or as an async function.",
    "A name stands for one {kind} for ever: histories refer to it.",
  ),
  STEP_IN_STEP: error(
    "A step cannot be declared inside the step {name}.",
    "Remove the inner directive, or move the function out of the step.",
    "A step is one unit: it is tried again as a whole. What it calls runs as ordinary code.",
  ),
  STEP_OPTIONS_LOST: error(
    "What is assigned here to {member} of the step {name} does not reach its attempts.",
    "Say it at the call, `withOptions(step, options)(…)`, or move the step to the top level of the module.",
    "A step that is declared inside a function moves out of it: each attempt makes the function anew from the variables that it captures, so what is put on the function in its old place is on another one.",
  ),
  WORKFLOW_NESTED: error(
    "A workflow cannot be declared inside {where}.",
    "Move it to the top level of the module and start it from there.",
    "A workflow is started by name from anywhere, also by a process that never ran the code around it.",
  ),
  MARKED_REASSIGNED: error(
    "The {kind} {name} is given another value here.",
    "Use another name for the other value.",
    "A name stands for one {kind} for ever: histories refer to it.",
  ),
  COMMONJS_MODULE: error(
    "A file with directives must be an ES module.",
    "Use `import` and `export`, and an extension other than .cjs and .cts.",
    "The compiled code imports the runtime.",
  ),
  FILE_DIRECTIVE_EXPORT: error(
    'A file that begins with "{expected}" exports {what}.',
    "Export async functions only, or put the directive into each function.",
    "A directive at the top of a file marks every export, so everything that is exported must be an async function. Types are fine.",
  ),
  FILE_DIRECTIVE_EMPTY: error(
    'The file begins with "{expected}" but exports no function.',
    "Export the functions, or put the directive into each of them.",
    "A directive at the top of a file marks every exported function; here it marks nothing.",
  ),
  USES_THIS: error(
    "The {kind} {name} uses `{word}`.",
    "Pass what you need as an argument.",
    "Only arguments are recorded. What `this`, `super`, `new.target` or the `arguments` of a surrounding function stand for is unknown in the process that runs the {kind} later.",
  ),
  CLASS_INCOMPLETE: error(
    'The class {name} has a static `[Symbol.for("{has}")]`, but no `[Symbol.for("{lacks}")]`.',
    "Write both: the first turns an instance into data, the second turns data into an instance.",
    "What is stored must be read again, live and on every replay.",
  ),
  CLASS_NOT_STORED: error(
    "The step {name} uses `{word}`, and its class does not say how instances are stored.",
    'Give the class two static methods, `[Symbol.for("workflow-serialize")](instance)` and `[Symbol.for("workflow-deserialize")](data)`, or pass what the step needs as arguments.',
    "A step runs in another process, perhaps, and always with a copy of what it is given. The instance on which a method is called can go with its arguments only if its class says how it is stored.",
  ),
  CLASS_UNNAMED: error(
    "This class says how its instances are stored, but has no name.",
    "Write a name behind `class`, or assign it to a constant.",
    "What is stored refers to the class by an id that is made of names. A number would change with everything that is inserted before it.",
  ),
  CAPTURE_ASSIGNED: error(
    "The step {name} assigns {variable}, a variable of {owner}.",
    "Return the new value and assign it outside the step.",
    "Variables around a step are handed to it by value: it may run in another process, and a replay does not run it at all. The assignment would be lost.",
  ),
  CAPTURE_MUTATED: error(
    "The step {name} changes {variable}, which belongs to {owner}; nothing outside the step sees that.",
    "Copy it first, or return the new value and assign it outside the step.",
    "Variables around a step are handed to it by value, so the step changes a copy.",
  ),
  CAPTURE_IN_WORKFLOW: error(
    "The workflow {name} uses {variable}, which belongs to a block around it.",
    "Move {variable} to the top level of the module, or into the workflow.",
    "The code of a workflow is bundled on its own and must be complete: the block around it is evaluated in the host's process, where runs are not.",
  ),
  CAPTURE_FUNCTION: error(
    "The step {name} uses {variable}, {what} of {owner}.",
    "Move {variable} to the top level of the module, or into the step.",
    "Variables around a step are handed to it by value, as data. Functions and classes are not data.",
  ),
  DUPLICATE_ID: error(
    "Two {things} of this file have the id {id}.",
    "Give one of them another name: of a variable, of a key, or behind `function` or `class`.",
    "An id names one function: histories refer to it. It is made of names only, because a number would change with everything that is inserted before it, and a run would then call the wrong function. The same holds for classes whose instances are stored.",
  ),
  RENAMES_INVALID: error(
    "{file} cannot be used: {reason}.",
    'Write an object whose keys are former ids and whose values are the ids of today: "shop/src/old.ts#charge": "shop/src/new.ts#charge".',
    "The file tells which functions were renamed or moved, so that runs which began before find them. A mistake in it would strand those runs.",
  ),
  RENAME_CONFLICT: error(
    "{former} is declared as the former id of {id}, but still is a function or class of its own.",
    "Remove the declaration, or give the function or class another name.",
    "A run that began before the renaming would call one of the two, and nobody could say which.",
  ),
  RENAME_WITHOUT_FUNCTION: error(
    "{former} is declared to be {id} now, but the module has no such function or class.",
    "Correct the id, or remove the declaration.",
    "A run that began before the renaming would look for a function that does not exist.",
  ),
  DUPLICATE_ID_IN_BUILD: error(
    "Two files of this build declare {id}: {file} and {other}.",
    "Give the packages different names, or install one version of the package only.",
    "An id names one function: histories refer to it. It begins with the name of the package and holds no version, so of two packages with the same name only one could be meant. Copies of a file with the same text do no harm.",
  ),
  TOP_LEVEL_AWAIT: error(
    "A workflow uses {name}, which is initialised with `await` at the top level of the module.",
    "Move the `await` into a step, or give the workflow the value as an argument.",
    "A workflow's code is evaluated anew for every run and every replay, without access to the world; nothing can be awaited before the workflow begins.",
  ),
  TOP_LEVEL_USING: error(
    "A workflow uses {name}, which is declared with `using` at the top level of the module.",
    "Open the resource inside the step that needs it.",
    "The resource would be disposed of when the module has been evaluated, before any workflow runs.",
  ),
  BUNDLE_HOST_MODULE: error(
    'The workflow {workflow} needs "{module}", which only exists outside workflows. Imported by {chain}.',
    "Use it inside a step, or import what the workflow needs from a module without it.",
    "Workflow code is replayed in a sandbox without access to the host. Imports that only steps use do no harm: this one is still needed after everything unused was removed.",
  ),
  BUNDLE_UNRESOLVED: error(
    'The workflow {workflow} needs "{module}", which cannot be found or is not code. Imported by {chain}.',
    "Install it, correct the path, or use it inside a step.",
    "The bundle of a workflow is self-contained. Imports that only steps use do no harm: this one is still needed after everything unused was removed.",
  ),
  BUNDLE_HOST_GLOBAL: error(
    "The workflow {workflow} uses {name}, which only exists outside workflows.{imports}",
    "{advice}",
    "Workflow code is replayed in a sandbox without access to the host. Time, random numbers and timers work there and are recorded; everything else that reaches outside belongs into a step.",
  ),
  MODULE_STATE: warning(
    "Workflow code reads {variable}, which {writer} changes: every run has a copy of its own, initialised as the module is, and does not see what steps or the rest of the application write.",
    "Pass the value as an argument, or return it from a step.",
    "A workflow is replayed in a sandbox, possibly in another process and years later. Its modules are evaluated once per run, so what they compute when they are evaluated is there, and nothing that happens to them elsewhere.",
  ),
  STEP_CALLS_WORKFLOW: error(
    "The step {step} calls the workflow {workflow} like a function.",
    'Start it, `await start({workflow}, […])` with `start` from "perdure/api", or call it in a workflow.',
    "Only workflow code can run a workflow as a part of itself. A step is one unit that is tried again as a whole; what it starts is a run of its own, with its own history.",
  ),
  STEP_NOT_AWAITED: warning(
    "The workflow {workflow} calls {call} and does not wait for it.",
    "Write `await`, or `void` if nothing depends on it.",
    "The call is recorded and happens, but the workflow goes on at once, may end before it, and never learns of its failure.",
  ),
  HEAVY_PACKAGE: warning(
    "The package {package} adds {kilobytes} kB of code to the workflow {workflow}, which every run evaluates anew and keeps in memory.{reason}",
    "If it keeps no state between calls, put it on the list `shared` of the plugin's options; otherwise import less of it, or use it in a step.",
    "Modules are evaluated once for each run, so that no run sees what another one has changed. That takes microseconds for an application's own code, and milliseconds and about its own size in memory for a large library. Packages on the list `shared` are evaluated once per process instead.",
  ),
  BUNDLE_FAILED: error(
    "The workflows of this file cannot be bundled: {reason}.",
    "Fix the error in the file that it names.",
    "The code of every workflow is bundled on its own, so that a run can keep the code with which it began.",
  ),
  TYPESCRIPT_MODULE_TYPE: error(
    '{file} uses ES module syntax, but {packageJson} does not say "type": "module".',
    'Add "type": "module" to that package.json, or rename the file to .mts.',
    "Node decides by the nearest package.json whether a .ts file is an ES module or CommonJS.",
  ),
} as const satisfies Record<string, CatalogueEntry>;

/** The stable code of a kind of mistake. */
export type DiagnosticCode = keyof typeof catalogue;

type ParametersIn<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | ParametersIn<Rest> : never;
type Texts<Code extends DiagnosticCode> = (typeof catalogue)[Code]["message"] | (typeof catalogue)[Code]["hint"];

/** The parameters that a code's message and hint take. */
export type DiagnosticParameters<Code extends DiagnosticCode> = Record<ParametersIn<Texts<Code>>, string>;

/** A text of the catalogue with its parameters filled in. */
export function fillIn(text: string, parameters: Record<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => parameters[name] ?? whole);
}
