import { CancelledError, TimeoutError } from "../errors/cancelled-error.ts";
import {
  HookConflictError,
  HookDisposedError,
  HookNoReplyError,
  HookNotFoundError,
  HookPayloadInvalidError,
} from "../errors/hook-errors.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { WorkflowRunCancelledError, WorkflowRunFailedError, WorkflowRunNotFoundError } from "../errors/run-errors.ts";
import { FatalError, RetryableError, SerializationError, ValueTooLargeError } from "../errors/step-errors.ts";

/** An error as stored. `cause` is a list of none or one, because a cause may be undefined. */
export interface ErrorRecord {
  readonly class: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause: readonly unknown[];
  readonly props: Readonly<Record<string, unknown>>;
  readonly brands: readonly (readonly [key: string, value: unknown])[];
}

type ErrorClass = { readonly prototype: Error };

const ofLanguage: Readonly<Record<string, ErrorClass>> = {
  Error,
  AggregateError,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Known by their brands: a class of somebody else may have the same name. */
const ofRuntime: Readonly<Record<string, ErrorClass>> = {
  FatalError,
  RetryableError,
  SerializationError,
  ValueTooLargeError,
  PerdureError,
  CancelledError,
  TimeoutError,
  HookConflictError,
  HookDisposedError,
  HookNoReplyError,
  HookNotFoundError,
  HookPayloadInvalidError,
  WorkflowRunFailedError,
  WorkflowRunCancelledError,
  WorkflowRunNotFoundError,
};

/** Classes made up for names that this side does not know, so that `error.constructor.name` survives. */
const invented = new Map<string, ErrorClass>();

/** True for errors of any realm. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

/** What an error consists of, apart from its cause. */
export interface OwnData {
  readonly head: ErrorHead;
  readonly props: readonly (readonly [key: string, value: unknown])[];
  readonly brands: ErrorRecord["brands"];
}

export type ErrorHead = Pick<ErrorRecord, "class" | "name" | "message" | "stack">;

export function ownDataOf(error: Error): OwnData {
  const props: [string, unknown][] = [];
  const brands: [string, unknown][] = [];
  for (const key of Reflect.ownKeys(error)) {
    const property = Object.getOwnPropertyDescriptor(error, key);
    if (!property || !("value" in property)) continue;
    if (typeof key === "symbol") {
      const name = Symbol.keyFor(key);
      if (name?.startsWith("perdure.")) brands.push([name, property.value]);
    } else if (isOwnData(key, property)) {
      props.push([key, property.value]);
    }
  }
  const head = {
    class: classOf(error),
    name: String(error.name),
    message: String(error.message),
    stack: String(error.stack ?? ""),
  };
  return { head, props, brands };
}

function isOwnData(key: string, property: PropertyDescriptor): boolean {
  if (key === "stack" || key === "message") return false;
  return property.enumerable === true || key === "errors";
}

function classOf(error: Error): string {
  const constructor: unknown = error.constructor;
  // The runtime's say so themselves: in minified code they have other names.
  if (PerdureError.is(error) && typeof constructor === "function" && Object.hasOwn(constructor, "className"))
    return String((constructor as unknown as { readonly className: unknown }).className);
  return typeof constructor === "function" && constructor.name !== "" ? constructor.name : "Error";
}

/** An error of this realm, without properties of its own. @param isBranded it is one of the runtime's, or of a class that extends one */
export function createError(head: ErrorHead, isBranded: boolean): Error {
  const error = new Error(head.message);
  Object.setPrototypeOf(error, classFor(head.class, isBranded).prototype);
  hidden(error, "stack", head.stack);
  if (error.name !== head.name) hidden(error, "name", head.name);
  return error;
}

/** The error of a record, as a former format holds it. */
export function errorOfRecord(record: ErrorRecord): Error {
  const error = createError(record, true);
  if (record.cause.length > 0) hidden(error, "cause", record.cause[0]);
  for (const [key, value] of Object.entries(record.props)) {
    if (key === "errors") hidden(error, key, value);
    else Object.defineProperty(error, key, { value, enumerable: true, configurable: true, writable: true });
  }
  for (const [key, value] of record.brands) Object.defineProperty(error, Symbol.for(key), { value });
  return error;
}

function hidden(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
}

function classFor(name: string, isBranded: boolean): ErrorClass {
  if (isBranded && Object.hasOwn(ofRuntime, name)) return ofRuntime[name] ?? Error;
  if (Object.hasOwn(ofLanguage, name)) return ofLanguage[name] ?? Error;
  let found = invented.get(name);
  if (!found) {
    found = { [name]: class extends Error {} }[name] ?? Error;
    // In the sandbox it is shared by all runs.
    Object.freeze(found);
    Object.freeze(found.prototype);
    if (invented.size < 1000) invented.set(name, found);
  }
  return found;
}
