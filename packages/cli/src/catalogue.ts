/** Every error code of the command line, with what to do about it. Codes are stable: scripts may look for them. */
export const catalogue = {
  DATABASE_REFUSED: "Mend what the message names, and run the command again: what is missing in a schema is made as a whole or not at all.",
  ENTRY_EMPTY:
    "Give the module that imports your workflows and steps, as the build has compiled it; a module in TypeScript is compiled on the way.",
  ENTRY_FAILED: "Mend what it says above; the processes import this module before they do anything else.",
  ENTRY_NOT_FOUND: "Give the module that imports your workflows and steps: --entry dist/worker.js.",
  WORLD_NOT_POSTGRES: "Give the URL of a PostgreSQL database, such as postgres://user@host/database; other Worlds look after themselves.",
} as const;

/** The codes of the command's errors. */
export type CliErrorCode = keyof typeof catalogue;
