import { HookPayloadInvalidError } from "./errors/hook-errors.ts";
import { PerdureError } from "./errors/perdure-error.ts";
import type { SchemaResult, StandardSchema } from "./hook.ts";

/**
 * What checks the payloads of a hook: returns what the schema makes of one, or rejects with HOOK_PAYLOAD_INVALID. Without a schema every payload passes as it is.
 * @throws INVALID_ARGUMENT for a schema that does not follow Standard Schema
 */
export function payloadCheck<Input, Output>(schema: StandardSchema<Input, Output> | undefined): (payload: Input) => Promise<unknown> {
  if (schema === undefined) return (payload) => Promise.resolve(payload);
  const standard = (schema as Partial<StandardSchema<Input, Output>> | null)?.["~standard"];
  if (typeof standard?.validate !== "function") {
    throw new PerdureError(
      "INVALID_ARGUMENT",
      "defineHook({ schema }) takes a schema that follows Standard Schema (zod, valibot, arktype and others do).",
    );
  }
  return async (payload) => {
    const result: SchemaResult<Output> = await standard.validate(payload);
    if (!result.issues) return result.value;
    throw HookPayloadInvalidError.ofSchema(result.issues.map(({ message, path = [] }) => ({ message, path: path.map(keyOf) })));
  };
}

function keyOf(segment: PropertyKey | { readonly key: PropertyKey }): PropertyKey {
  return typeof segment === "object" ? segment.key : segment;
}
