/**
 * Parses with the host's parser; strings in, strings out. `parse` takes a URL, `resolve` a URL and its base, the name of a part a URL and the part's new value.
 * Answers with the parts of {@link partNames}, one a line, or with nothing.
 */
export type UrlSource = (operation: string, text: string, argument: string) => string;

/** In the order in which a {@link UrlSource} lists them. */
export const partNames = [
  "href",
  "origin",
  "protocol",
  "username",
  "password",
  "host",
  "hostname",
  "port",
  "pathname",
  "search",
  "hash",
] as const;
