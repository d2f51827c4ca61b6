import { partNames, type UrlSource } from "./kernel/web/url-source.ts";

type Settable = Exclude<(typeof partNames)[number], "origin">;

/**
 * Node's URL parser for the realm; strings in, strings out; it throws only when the stack is exhausted. A parser of its own would weigh half a megabyte (the tables of
 * international domain names), and differ from the steps' one.
 */
export const urlParts: UrlSource = (operation, text, argument) => {
  try {
    const url = operation === "resolve" ? new URL(text, argument) : new URL(text);
    if (operation !== "parse" && operation !== "resolve") url[operation as Settable] = argument;
    return partNames.map((part) => url[part]).join("\n");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_INVALID_URL") return "";
    throw error;
  }
};
