import { answerAddressOf, makeAnswerable, type AnswerAddress } from "./answerable.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { knownBytes, remember } from "./bodies.ts";
import { setOwn, type Kind, type Writer } from "./kind.ts";
import type { NodePart } from "./node.ts";

export const url: Kind<URL> = {
  write: (value) => [value.href],
  create: ([, href]) => new URL(String(href)),
};

export const urlSearchParams: Kind<URLSearchParams> = {
  write: (value) => Array.from(value).flat(),
  create: ([, ...parts]) => new URLSearchParams(pairs(parts)),
};

export const headers: Kind<Headers> = {
  write: (value) => Array.from(value).flat(),
  create: ([, ...parts]) => new Headers(pairs(parts)),
};

function pairs(parts: readonly NodePart[]): [string, string][] {
  const list: [string, string][] = [];
  for (let index = 0; index < parts.length; index += 2) list.push([String(parts[index]), String(parts[index + 1])]);
  return list;
}

/** Base64 of a body, null for none. */
function bodyText(value: object, writer: Writer): string | null {
  const bytes = knownBytes(value);
  if (bytes === undefined) return writer.unread();
  return bytes && toBase64(bytes);
}

function bodyBytes(part: NodePart | undefined): Uint8Array<ArrayBuffer> | null {
  return typeof part === "string" ? fromBase64(part) : null;
}

const settingNames = ["cache", "credentials", "integrity", "keepalive", "redirect", "referrerPolicy"] as const;

export const request: Kind<Request> = {
  write(value, writer) {
    const settings = Object.fromEntries(settingNames.filter((key) => value[key] !== undefined).map((key) => [key, value[key]]));
    const { runId, message } = answerAddressOf(value) ?? {};
    const kept = runId === undefined || message === undefined ? settings : { ...settings, runId, message };
    return [value.url, value.method, kept, bodyText(value, writer), ...Array.from(value.headers).flat()];
  },
  create([, target, method, settings, body, ...parts]) {
    const bytes = bodyBytes(body);
    const { runId, message, ...others } = settings as Partial<AnswerAddress>;
    const init = { ...others, method: String(method), headers: pairs(parts), ...(bytes && { body: bytes }) };
    const made = remember(new Request(String(target), init), bytes);
    return runId === undefined || message === undefined ? made : makeAnswerable(made, { runId, message });
  },
};

/** What a response tells of the request that it answers, which a constructor does not take. */
const told = ["url", "type", "redirected"] as const;
const untold: Readonly<Record<(typeof told)[number], unknown>> = { url: "", type: "default", redirected: false };

export const response: Kind<Response> = {
  write(value, writer) {
    const answers = Object.fromEntries(told.filter((key) => value[key] !== untold[key]).map((key) => [key, value[key]]));
    return [value.status, value.statusText, answers, bodyText(value, writer), ...Array.from(value.headers).flat()];
  },
  create([, status, statusText, answers, body, ...parts]) {
    const bytes = bodyBytes(body);
    const isMade = Number(status) >= 200;
    const init = { status: isMade ? Number(status) : 200, statusText: String(statusText), headers: pairs(parts) };
    const made = new Response(bytes, init);
    if (!isMade) setOwn(made, "status", status, false);
    if (!isMade) setOwn(made, "ok", false, false);
    for (const [key, item] of Object.entries(answers ?? {})) setOwn(made, key, item, false);
    return remember(made, bytes);
  },
};

export const blob: Kind<Blob> = {
  write: (value, writer) => [value.type, bodyText(value, writer)],
  create([, type, body]) {
    const bytes = bodyBytes(body) ?? new Uint8Array();
    return remember(new Blob([bytes], { type: String(type) }), bytes);
  },
};

export const file: Kind<File> = {
  write: (value, writer) => [value.type, bodyText(value, writer), value.name, value.lastModified],
  create([, type, body, name, lastModified]) {
    const bytes = bodyBytes(body) ?? new Uint8Array();
    return remember(new File([bytes], String(name), { type: String(type), lastModified: Number(lastModified) }), bytes);
  },
};

export const formData: Kind<FormData> = {
  write: (value, writer) => Array.from(value).flatMap(([name, item]) => [name, writer.put(item, { get: name })]),
  create: () => new FormData(),
  fill(value, [, ...parts], at) {
    for (let index = 0; index < parts.length; index += 2) value.append(String(parts[index]), at(parts[index + 1]) as string);
  },
};
