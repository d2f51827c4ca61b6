import "virtual:perdure";

/** A workflow of which this module knows only that it is there. */
export const { audit } = globalThis as unknown as { audit: () => Promise<string> };
