import { MAX_EDITS, directiveText } from "./directive-text.ts";

/**
 * A coarse superset of `mayHaveDirectives` for bundlers that filter files by pattern before they call JavaScript: a quote which is soon
 * followed by one of the letters of `use`, for a typo takes two of them at most, or by a backslash; and of `mayHaveStoredClasses`.
 */
export const directivePattern: RegExp = /["'`][\s_.:-]*[^\n]{0,2}[uUsSeE\\]|workflow-(?:de)?serialize|WORKFLOW_(?:DE)?SERIALIZE/;

// Every quote is a candidate, also one that ends a string: the look-ahead does not consume what follows.
const candidate = /["'`](?=((?:[^"'`\\\n]|\\[^]){6,60})["'`])/g;

/**
 * Says whether a module must be parsed: false means for certain that it has neither directive. Looks at text only, so it may say yes
 * to a directive inside a comment. Wherever the directive stands (one line, minified, after a comment), however it is quoted or
 * escaped, it is found, and so is a typo of one. About 30 microseconds for 10 KB.
 */
export function mayHaveDirectives(code: string): boolean {
  if (code.includes("use step") || code.includes("use workflow")) return true;
  candidate.lastIndex = 0;
  for (const match of code.matchAll(candidate)) {
    const raw = match[1] ?? "";
    if (!raw.includes("\\") && isForeign(raw)) continue;
    if (directiveText(raw, raw.includes("\\") ? unescape(raw) : raw) !== null) return true;
  }
  return false;
}

/** Says whether a module may have classes that say how their instances are stored: by `Symbol.for`, or by a constant that a package exports for it. */
export function mayHaveStoredClasses(code: string): boolean {
  return /workflow-(?:de)?serialize|WORKFLOW_(?:DE)?SERIALIZE/.test(code);
}

const familiar = new Uint8Array(128);
for (const letter of "use step workflow") familiar[letter.charCodeAt(0)] = familiar[letter.toUpperCase().charCodeAt(0)] = 1;
for (const separator of "\t\v\f\r_.:-") familiar[separator.charCodeAt(0)] = 1;

/** Whether a text has more letters that no directive has than a typo can have: cheaper than the distance, and true for most strings. */
function isForeign(text: string): boolean {
  let foreign = 0;
  for (let index = 0; index < text.length; index++) {
    if (familiar[text.charCodeAt(index)] !== 1 && ++foreign > MAX_EDITS) return true;
  }
  return false;
}

const named: Record<string, string> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v" };

function unescape(raw: string): string {
  return raw.replace(/\\(?:u\{([\da-f]+)\}|u([\da-f]{4})|x([\da-f]{2})|\r\n|([^]))/gi, (_, braced, unicode, hex, other) => {
    const digits = braced ?? unicode ?? hex;
    if (digits !== undefined) return codePoint(Number.parseInt(digits, 16));
    if (other === undefined || other === "\n") return "";
    return named[other] ?? other;
  });
}

const codePoint = (value: number): string => (value <= 0x10ffff ? String.fromCodePoint(value) : "");
