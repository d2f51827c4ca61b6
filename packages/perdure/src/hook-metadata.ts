/**
 * What is stored with a hook: the metadata that the workflow gave it, and whether it is a webhook. A webhook's text begins with a mark that no encoded value begins with, so that nothing a workflow says
 * of a hook opens it to the outside.
 */
import { decode, encode, type EncodeOptions } from "./codec/index.ts";

const mark = "w";

/** What the sender of a webhook's request gets; undefined: 202. */
export type WebhookAnswer = Response | "manual" | undefined;

/** @throws SERIALIZATION_FAILED, VALUE_TOO_LARGE */
export function webhookText(options: { readonly respondWith: WebhookAnswer; readonly metadata: unknown }, limit: EncodeOptions): string {
  return mark + encode(options, "options", limit);
}

export interface HookMetadata {
  readonly metadata: unknown;
  /** Null: this hook is private. */
  readonly webhook: { readonly respondWith: WebhookAnswer } | null;
}

/** @param text as it is stored; empty for none */
export function readHookMetadata(text: string): HookMetadata {
  if (text === "") return { metadata: undefined, webhook: null };
  if (!text.startsWith(mark)) return { metadata: decode(text), webhook: null };
  const { respondWith, metadata } = decode(text.slice(mark.length)) as { respondWith: WebhookAnswer; metadata: unknown };
  return { metadata, webhook: { respondWith } };
}
