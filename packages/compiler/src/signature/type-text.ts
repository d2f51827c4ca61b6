import type {
  Node,
  TSEntityName,
  TSLiteralType,
  TSMappedType,
  TSType,
  TSTypeAnnotation,
  TSTypeElement,
  TSTypeLiteral,
  TSTypeParameter,
  TSTypePredicate,
} from "@babel/types";
import { rangeOf } from "../parse/nodes.ts";

/** What a type is printed with. */
export interface TypeSource {
  /** The text of the module. */
  readonly code: string;
  /** Type parameters of the function: they are printed as what they extend, because their names mean nothing to a caller. */
  readonly parameters: ReadonlyMap<string, TSType>;
}

/**
 * A type as text, printed from its syntax tree, so that nothing of how it was written shows: comments, line breaks, quotes, separators, leading `|` and needless
 * parentheses. Two types have one text if they are the same but for those; nothing is resolved, and alternatives and members stay in the order of the source.
 */
export function typeText(type: TSType, source: TypeSource): string {
  return print(type, source, LOWEST);
}

/** The type inside an annotation; null for anything that is none of TypeScript's. */
export function annotated(annotation: Node | null | undefined): TSType | null {
  return annotation?.type === "TSTypeAnnotation" ? annotation.typeAnnotation : null;
}

// How tightly the forms of types hold together.
const LOWEST = 0;
const UNION = 1;
const INTERSECTION = 2;
const OPERATOR = 3;
const PRIMARY = 4;

const levels: Partial<Record<TSType["type"], number>> = {
  TSFunctionType: LOWEST,
  TSConstructorType: LOWEST,
  TSConditionalType: LOWEST,
  TSUnionType: UNION,
  TSIntersectionType: INTERSECTION,
  TSTypeOperator: OPERATOR,
  TSInferType: OPERATOR,
  TSTypeQuery: OPERATOR,
};

function print(type: TSType, source: TypeSource, least: number): string {
  if (type.type === "TSParenthesizedType") return print(type.typeAnnotation, source, least);
  if (type.type === "TSUnionType" || type.type === "TSIntersectionType") {
    const [first, ...others] = type.types;
    if (first !== undefined && others.length === 0) return print(first, source, least);
  }
  if (type.type === "TSTypeReference" && type.typeName.type === "Identifier") {
    const { name } = type.typeName;
    const extended = source.parameters.get(name);
    // What a type parameter extends may mention it.
    if (extended !== undefined) return print(extended, { ...source, parameters: without(source.parameters, name) }, least);
  }
  const text = textOf(type, source);
  return (levels[type.type] ?? PRIMARY) < least ? `(${text})` : text;
}

function without(parameters: ReadonlyMap<string, TSType>, name: string): Map<string, TSType> {
  const others = new Map(parameters);
  others.delete(name);
  return others;
}

function textOf(type: TSType, source: TypeSource): string {
  const text = (inner: TSType, least = LOWEST): string => print(inner, source, least);
  switch (type.type) {
    case "TSThisType":
      return "this";
    case "TSTypeReference":
      return nameText(type.typeName, source) + argumentsText(type, source);
    case "TSTypeQuery": {
      const { exprName } = type;
      return `typeof ${exprName.type === "TSImportType" ? text(exprName) : nameText(exprName, source)}${argumentsText(type, source)}`;
    }
    case "TSImportType": {
      const member = type.qualifier ? `.${nameText(type.qualifier, source)}` : "";
      return `import(${JSON.stringify(type.argument.value)})${member}${argumentsText(type, source)}`;
    }
    case "TSTypePredicate":
      return predicateText(type, source);
    case "TSTypeLiteral":
      return membersText(type, source);
    case "TSArrayType":
      return `${text(type.elementType, PRIMARY)}[]`;
    case "TSTupleType":
      return `[${type.elementTypes.map((element) => elementText(element, source)).join(", ")}]`;
    case "TSOptionalType":
      return `${text(type.typeAnnotation, PRIMARY)}?`;
    case "TSRestType":
      return `...${elementText(type.typeAnnotation, source)}`;
    case "TSUnionType":
      return type.types.map((one) => text(one, UNION)).join(" | ");
    case "TSIntersectionType":
      return type.types.map((one) => text(one, INTERSECTION)).join(" & ");
    case "TSConditionalType": {
      const [check, extended] = [text(type.checkType, UNION), text(type.extendsType, UNION)];
      return `${check} extends ${extended} ? ${text(type.trueType)} : ${text(type.falseType)}`;
    }
    case "TSInferType":
      return `infer ${parameterText(type.typeParameter, source)}`;
    case "TSTypeOperator":
      return `${type.operator} ${text(type.typeAnnotation, OPERATOR)}`;
    case "TSIndexedAccessType":
      return `${text(type.objectType, PRIMARY)}[${text(type.indexType)}]`;
    case "TSMappedType":
      return mappedText(type, source);
    case "TSLiteralType":
      return literalText(type.literal, source);
    case "TSFunctionType":
      return `${callText(type, source)} => ${returnText(type.typeAnnotation, source)}`;
    case "TSConstructorType":
      return `${type.abstract === true ? "abstract " : ""}new ${callText(type, source)} => ${returnText(type.typeAnnotation, source)}`;
    default:
      return keywordOf(type) ?? rawText(rangeOf(type), source);
  }
}

function keywordOf({ type }: TSType): string | null {
  return /^TS(\w+)Keyword$/.exec(type)?.[1]?.toLowerCase() ?? null;
}

function literalText(literal: TSLiteralType["literal"], source: TypeSource): string {
  switch (literal.type) {
    case "StringLiteral":
      return JSON.stringify(literal.value);
    case "UnaryExpression":
      return literal.operator + rawText(rangeOf(literal.argument), source);
    case "TemplateLiteral": {
      const types = literal.expressions.map((type) => `\${${print(type as TSType, source, LOWEST)}}`);
      return `\`${literal.quasis.map(({ value }, index) => value.raw + (types[index] ?? "")).join("")}\``;
    }
    default:
      return rawText(rangeOf(literal), source);
  }
}

function nameText(name: Node | TSEntityName, source: TypeSource): string {
  if (name.type === "Identifier") return name.name;
  if (name.type === "TSQualifiedName") return `${nameText(name.left, source)}.${name.right.name}`;
  return rawText(rangeOf(name), source);
}

function argumentsText({ typeParameters }: { typeParameters?: Node | null | undefined }, source: TypeSource): string {
  if (typeParameters?.type !== "TSTypeParameterInstantiation") return "";
  return `<${typeParameters.params.map((type) => print(type, source, LOWEST)).join(", ")}>`;
}

/** An element of a tuple, which may have a name. */
function elementText(element: Node, source: TypeSource): string {
  if (element.type !== "TSNamedTupleMember") return print(element as TSType, source, LOWEST);
  return `${element.label.name}${element.optional ? "?" : ""}: ${print(element.elementType, source, LOWEST)}`;
}

function predicateText({ asserts, parameterName, typeAnnotation }: TSTypePredicate, source: TypeSource): string {
  const type = annotated(typeAnnotation);
  const name = parameterName.type === "Identifier" ? parameterName.name : "this";
  return `${asserts === true ? "asserts " : ""}${name}${type === null ? "" : ` is ${print(type, source, LOWEST)}`}`;
}

function mappedText({ readonly, typeParameter, nameType, optional, typeAnnotation }: TSMappedType, source: TypeSource): string {
  const sign = (modifier: unknown, text: string): string =>
    modifier === "+" || modifier === "-" ? `${modifier}${text}` : modifier === true ? text : "";
  const front = sign(readonly, "readonly ");
  const as = nameType ? ` as ${print(nameType, source, LOWEST)}` : "";
  const value = typeAnnotation ? `: ${print(typeAnnotation, source, LOWEST)}` : "";
  const keys = typeParameter.constraint ? print(typeParameter.constraint, source, LOWEST) : "";
  return `{ ${front}[${typeParameter.name} in ${keys}${as}]${sign(optional, "?")}${value} }`;
}

function membersText({ members }: TSTypeLiteral, source: TypeSource): string {
  return members.length === 0 ? "{}" : `{ ${members.map((member) => memberText(member, source)).join("; ")} }`;
}

function memberText(member: TSTypeElement, source: TypeSource): string {
  switch (member.type) {
    case "TSPropertySignature":
      return `${member.readonly === true ? "readonly " : ""}${keyText(member, source)}${annotationText(member.typeAnnotation, source)}`;
    case "TSMethodSignature": {
      const kind = member.kind === "method" ? "" : `${member.kind} `;
      return `${kind}${keyText(member, source)}${callText(member, source)}${annotationText(member.typeAnnotation, source)}`;
    }
    case "TSIndexSignature": {
      const keys = member.parameters.map((key) => bindingText(key, source)).join(", ");
      return `${member.readonly === true ? "readonly " : ""}[${keys}]${annotationText(member.typeAnnotation, source)}`;
    }
    case "TSCallSignatureDeclaration":
      return `${callText(member, source)}${annotationText(member.typeAnnotation, source)}`;
    case "TSConstructSignatureDeclaration":
      return `new ${callText(member, source)}${annotationText(member.typeAnnotation, source)}`;
    default:
      return rawText(rangeOf(member), source);
  }
}

/** The key of a member, without quotes that it does not need, and the mark of one that may be left out. */
function keyText({ key, computed, optional }: { key: Node; computed?: boolean; optional?: boolean | null }, source: TypeSource): string {
  const mark = optional === true ? "?" : "";
  if (computed === true) return `[${rawText(rangeOf(key), source)}]${mark}`;
  if (key.type === "StringLiteral") return (/^[A-Za-z_$][\w$]*$/.test(key.value) ? key.value : JSON.stringify(key.value)) + mark;
  return rawText(rangeOf(key), source) + mark;
}

interface Callable {
  typeParameters?: Node | null | undefined;
  parameters: readonly Node[];
}

function callText({ typeParameters, parameters }: Callable, source: TypeSource): string {
  const types = typeParameters?.type === "TSTypeParameterDeclaration" ? typeParameters.params : [];
  const generic = types.length === 0 ? "" : `<${types.map((one) => parameterText(one, source)).join(", ")}>`;
  return `${generic}(${parameters.map((param) => bindingText(param, source)).join(", ")})`;
}

function parameterText({ name, constraint, default: byDefault, const: isConst }: TSTypeParameter, source: TypeSource): string {
  const extended = constraint ? ` extends ${print(constraint, source, LOWEST)}` : "";
  return `${isConst === true ? "const " : ""}${name}${extended}${byDefault ? ` = ${print(byDefault, source, LOWEST)}` : ""}`;
}

/** A parameter in a type of functions. */
function bindingText(param: Node, source: TypeSource): string {
  const annotation = "typeAnnotation" in param ? (param.typeAnnotation as Node | null | undefined) : null;
  const mark = "optional" in param && param.optional === true ? "?" : "";
  const { start, end } = rangeOf(param);
  const raw = (): string => rawText({ start, end: annotation ? rangeOf(annotation).start : end }, source).replace(/ ?\?$/, "");
  const name = param.type === "Identifier" ? param.name : raw();
  return `${name}${mark}${annotationText(annotation, source)}`;
}

function annotationText(annotation: Node | null | undefined, source: TypeSource): string {
  const type = annotated(annotation);
  return type === null ? "" : `: ${print(type, source, LOWEST)}`;
}

function returnText(annotation: TSTypeAnnotation | null | undefined, source: TypeSource): string {
  const type = annotated(annotation);
  return type === null ? "any" : print(type, source, LOWEST);
}

const stringsAndComments = /("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)|\/\*.*?\*\/|\/\/[^\n]*/gs;

/** What has no form of its own here, as it stands there: without comments, on one line. */
function rawText({ start, end }: { start: number; end: number }, { code }: TypeSource): string {
  const text = code.slice(start, end).replace(stringsAndComments, (_, string: string | undefined) => string ?? " ");
  return text.replace(/\s+/g, " ").trim();
}
