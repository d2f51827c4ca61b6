/** Every error code of the command line, with what to do about it. Codes are stable: scripts may look for them. */
export const catalogue = {
  ENTRY_FAILED: "Mend what it says above; the processes import this module before they do anything else.",
  ENTRY_NOT_FOUND: "Give the module that imports your workflows and steps: --entry dist/server.js.",
} as const;

/** The codes of the command's errors. */
export type CliErrorCode = keyof typeof catalogue;
