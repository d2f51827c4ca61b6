import type { Node, ObjectPattern, TSType } from "@babel/types";
import type { MarkedFunction } from "../analyse/marked-function.ts";
import { type TypeSource, annotated, typeText } from "./type-text.ts";

/** A parameter of a step; its name does not count. */
export interface SignatureParameter {
  /** The annotation, see `typeText`; null without one. */
  type: string | null;
  /** Of an object pattern without annotation the keys that it reads and has no default values for, sorted; null for anything else. */
  keys: string[] | null;
  /** The keys of such a pattern that have default values, sorted; left out if there are none. */
  optionalKeys?: string[];
  /** It may be left out: by `?`, a default value, or a type of which `undefined` is an alternative. */
  optional?: true;
  /** It takes all further arguments, and its type is that of their list. */
  rest?: true;
}

/** What the caller of a step has to know of it, as JSON. Formatting, comments, names of parameters and the step's body do not show. */
export interface Signature {
  /** In order, without `this`. Of a function with overloads those of the implementation, which gets the arguments whichever was called. */
  parameters: SignatureParameter[];
  /** The annotation of the result; null without one. */
  returns: string | null;
  /** The variables around it that a closure is given, sorted; left out if there are none. They are an input like the parameters. */
  captures?: string[];
  /** It is given the instance on which it is called. */
  self?: true;
}

/** The signature of a step. */
export function signatureOf({ node, captures, usesThis }: MarkedFunction, code: string): Signature {
  const source = { code, parameters: typeParameters(node) };
  const params = (node.params as Node[]).filter((param) => !(param.type === "Identifier" && param.name === "this"));
  const returns = annotated(node.returnType);
  const signature: Signature = {
    parameters: params.map((param) => parameterOf(param, source)),
    returns: returns === null ? null : typeText(returns, source),
  };
  if (captures.length > 0) signature.captures = captures.map(({ name }) => name).sort();
  if (usesThis) signature.self = true;
  return signature;
}

const unknown = { type: "TSUnknownKeyword" } as TSType;

function typeParameters(node: MarkedFunction["node"]): Map<string, TSType> {
  const declared = node.typeParameters;
  const params = declared?.type === "TSTypeParameterDeclaration" ? declared.params : [];
  return new Map(params.map(({ name, constraint }) => [name, constraint ?? unknown]));
}

function parameterOf(param: Node, source: TypeSource): SignatureParameter {
  const target = param.type === "AssignmentPattern" ? param.left : param;
  const type = "typeAnnotation" in target ? annotated(target.typeAnnotation as Node | null | undefined) : null;
  const pattern = type === null && target.type === "ObjectPattern" ? target : null;
  const parameter: SignatureParameter = {
    type: type === null ? null : typeText(type, source),
    keys: pattern === null ? null : keysOf(pattern, false),
  };
  const optionalKeys = pattern === null ? [] : keysOf(pattern, true);
  if (optionalKeys.length > 0) parameter.optionalKeys = optionalKeys;
  if (target.type === "RestElement") parameter.rest = true;
  else if (param !== target || isMarkedOptional(target) || takesUndefined(type)) parameter.optional = true;
  return parameter;
}

function isMarkedOptional(target: Node): boolean {
  return "optional" in target && target.optional === true;
}

function takesUndefined(type: TSType | null): boolean {
  switch (type?.type) {
    case "TSUndefinedKeyword":
    case "TSVoidKeyword":
      return true;
    case "TSUnionType":
      return type.types.some(takesUndefined);
    case "TSParenthesizedType":
      return takesUndefined(type.typeAnnotation);
    default:
      return false;
  }
}

/** The keys that a pattern reads, those with or those without default values. Computed ones are not known. */
function keysOf({ properties }: ObjectPattern, withDefault: boolean): string[] {
  const keys = properties.flatMap((property) => {
    if (property.type !== "ObjectProperty" || property.computed) return [];
    const name = keyName(property.key);
    return name !== null && (property.value.type === "AssignmentPattern") === withDefault ? [name] : [];
  });
  return [...new Set(keys)].sort();
}

function keyName(key: Node): string | null {
  if (key.type === "Identifier") return key.name;
  return key.type === "StringLiteral" || key.type === "NumericLiteral" ? String(key.value) : null;
}
