/** A parameter of a step, as the compiler writes it down. */
export interface SignatureParameter {
  /** The annotation as text whose form does not depend on formatting; null without one. */
  readonly type: string | null;
  /** Of an object pattern without annotation the keys that it reads and has no default values for; null for anything else. */
  readonly keys: readonly string[] | null;
  /** The keys of such a pattern that have default values. */
  readonly optionalKeys?: readonly string[];
  /** It may be left out. */
  readonly optional?: true;
  /** It takes all further arguments, and its type is that of their list. Only the last one is such. */
  readonly rest?: true;
}

/** What the code of a workflow expects of a step that it calls. */
export interface Signature {
  readonly parameters: readonly SignatureParameter[];
  /** The annotation of the result; null without one. */
  readonly returns: string | null;
  /** The variables of the function around it that a closure is given. */
  readonly captures?: readonly string[];
  /** It is given the instance on which it is called. */
  readonly self?: true;
}

/**
 * The signatures of the steps that a workflow may call, by id, from the source map of its bundle: as they were when the bundle was made. Null: the map has none,
 * as those of older compilers, or cannot be read.
 */
export function readSignatures(map: string): Map<string, Signature> | null {
  const steps = memberOf(map, "x_perdure_steps");
  if (!isRecord(steps)) return null;
  const signatures = new Map<string, Signature>();
  for (const [id, signature] of Object.entries(steps)) {
    if (!isSignature(signature)) return null;
    signatures.set(id, signature);
  }
  return signatures;
}

/**
 * The first difference that matters to a caller which was written for `before` and calls `now`, as one line that fits behind a step's name; null if there is none.
 * What is not known (a parameter without a type, `any`) differs from nothing. Names of types are compared, not what they stand for.
 */
export function differenceOf(before: Signature, now: Signature): string | null {
  return parametersDifference(before, now) ?? returnsDifference(before.returns, now.returns) ?? surroundingsDifference(before, now);
}

function memberOf(json: string, name: string): unknown {
  try {
    const value: unknown = JSON.parse(json);
    return isRecord(value) ? value[name] : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isText = (value: unknown): value is string | null => value === null || typeof value === "string";
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === "string");
const isFlag = (value: unknown): boolean => value === undefined || value === true;

function isSignature(value: unknown): value is Signature {
  if (!isRecord(value)) return false;
  const { parameters, returns, captures, self } = value;
  const isWhole = isText(returns) && isFlag(self) && (captures === undefined || isTexts(captures));
  return isWhole && Array.isArray(parameters) && parameters.every(isParameter);
}

function isParameter(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { type, keys, optionalKeys, optional, rest } = value;
  const hasKeys = (keys === null || isTexts(keys)) && (optionalKeys === undefined || isTexts(optionalKeys));
  return isText(type) && hasKeys && isFlag(optional) && isFlag(rest);
}

/** The parameters of a signature: those with a place of their own, and the one that takes all further arguments. */
interface Parts {
  readonly fixed: readonly SignatureParameter[];
  readonly rest: SignatureParameter | null;
}

function partsOf({ parameters }: Signature): Parts {
  const last = parameters.at(-1);
  return last?.rest === true ? { fixed: parameters.slice(0, -1), rest: last } : { fixed: parameters, rest: null };
}

function parametersDifference(before: Signature, now: Signature): string | null {
  const [was, is] = [partsOf(before), partsOf(now)];
  const taken = `took ${countOf(was)} and takes ${numberOf(is)}`;
  for (const [index, parameter] of was.fixed.entries()) {
    const next = is.fixed[index] ?? elementOf(is.rest);
    if (next === null) return taken;
    const difference = parameterDifference(parameter, next, `parameter ${index + 1}`);
    if (difference !== null) return difference;
  }
  for (const [index, parameter] of is.fixed.entries()) {
    if (index < was.fixed.length) continue;
    if (parameter.optional !== true) return `has a ${ordinal(index + 1)} parameter ${shapeOf(parameter)}that must be given`;
    const further = elementOf(was.rest);
    const difference = further && parameterDifference(further, parameter, `parameter ${index + 1}`);
    if (difference !== null) return difference;
  }
  if (was.rest === null) return null;
  if (is.rest === null) return taken;
  const isSame = was.rest.type === is.rest.type;
  const [further, next] = [elementOf(was.rest), elementOf(is.rest)];
  return isSame || further === null || next === null ? null : parameterDifference(further, next, "each further parameter");
}

function parameterDifference(was: SignatureParameter, is: SignatureParameter, name: string): string | null {
  if (was.keys !== null && is.keys !== null && is.keys.some((key) => was.keys?.includes(key) === false))
    return `${name} took ${keysOf(was)} and takes ${keysOf(is)}`;
  if (was.type !== null && is.type !== null && !accepts(is, was.type)) return `${name} was "${was.type}" and is "${is.type}"`;
  return was.optional === true && is.optional !== true ? `${name} could be left out and must be given` : null;
}

/** What the rest parameter is for a single argument. */
function elementOf(rest: SignatureParameter | null): SignatureParameter | null {
  return rest === null ? null : { type: rest.type === null ? null : elementType(rest.type), keys: null, optional: true };
}

/** The type of the elements of an array type; null if it is none that is written as one. */
function elementType(text: string): string | null {
  const type = text.replace(/^readonly /, "");
  if (alternativesOf(type).length !== 1) return null;
  const named = /^(?:Readonly)?Array<(.*)>$/s.exec(type)?.[1];
  if (named !== undefined) return named;
  if (!type.endsWith("[]")) return null;
  const element = type.slice(0, -2);
  return element.startsWith("(") && element.endsWith(")") ? element.slice(1, -1) : element;
}

function returnsDifference(was: string | null, is: string | null): string | null {
  if (was === null || is === null) return null;
  const [expected, given] = [alternativesOf(awaited(was)), alternativesOf(awaited(is))];
  // A result of no known use is used by nobody.
  if (["void", "any", "unknown"].some((type) => expected.includes(type)) || given.includes("any")) return null;
  return given.every((type) => expected.includes(type)) ? null : `returned "${was}" and returns "${is}"`;
}

function awaited(type: string): string {
  return (alternativesOf(type).length === 1 ? /^Promise<(.*)>$/s.exec(type)?.[1] : undefined) ?? type;
}

function surroundingsDifference(before: Signature, now: Signature): string | null {
  const added = now.captures?.find((name) => before.captures?.includes(name) !== true);
  if (added !== undefined) return `reads "${added}" of the function around it, which it was not given`;
  return now.self === true && before.self !== true ? "needs the instance on which it is called, which it was not given" : null;
}

/** Whether a parameter takes every value of a type. */
function accepts({ type, optional }: SignatureParameter, given: string): boolean {
  const accepted = new Set(alternativesOf(type ?? "any"));
  const isAny = accepted.has("any") || accepted.has("unknown");
  return isAny || alternativesOf(given).every((one) => one === "any" || accepted.has(one) || (optional === true && one === "undefined"));
}

// Strings and template literals as a whole, the arrow of functions, brackets, and what joins types.
const tokens = /"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|=>|[([{<]|[)\]}>]| \| | \? /g;

/** The alternatives of a union that is written as one; any other type alone. */
function alternativesOf(type: string): string[] {
  const alternatives: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of type.matchAll(tokens)) {
    if (/^[([{<]$/.test(token)) depth++;
    else if (/^[)\]}>]$/.test(token)) depth--;
    else if (depth > 0) continue;
    else if (token === " | ") {
      alternatives.push(type.slice(start, index));
      start = index + token.length;
    } else if (token === "=>" || token === " ? ") return [type];
  }
  return [...alternatives, type.slice(start)];
}

function keysOf({ keys, optionalKeys = [] }: SignatureParameter): string {
  const names = [...(keys ?? []), ...optionalKeys.map((key) => `${key}?`)].sort();
  return names.length === 0 ? "{}" : `{ ${names.join(", ")} }`;
}

/** What a parameter takes, as far as it is known, with a space behind it. */
function shapeOf(parameter: SignatureParameter): string {
  if (parameter.type !== null) return `"${parameter.type}" `;
  return parameter.keys === null ? "" : `${keysOf(parameter)} `;
}

function countOf(parts: Parts): string {
  return `${numberOf(parts)} ${parts.rest === null && parts.fixed.length === 1 ? "parameter" : "parameters"}`;
}

function numberOf({ fixed, rest }: Parts): string {
  return rest === null ? String(fixed.length) : "any number of";
}

const ordinals = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];

const ordinal = (position: number): string => ordinals[position - 1] ?? `${position}th`;
