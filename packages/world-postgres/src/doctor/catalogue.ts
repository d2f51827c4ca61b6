/** What may be wrong with a database, with what to do about it. Codes are stable: monitoring may look for them. */
export const catalogue = {
  AUTOVACUUM_OFF: "Turn it on: every commit leaves a dead row behind, and without vacuum claims and commits become slower for ever.",
  CHECK_SKIPPED: "Run the command with a role that may read it, or when the server has less to do; the other checks were made.",
  CLOCK_SKEW: "Let both machines keep time by NTP. Runs become due by the clock of the database, and what workers wait for by their own.",
  COMMITS_NOT_DURABLE:
    "A crash of the server can lose acknowledged commits: steps are then repeated. Turn the setting on, unless that is what you want.",
  INDEX_MISSING:
    "Create it as the migration does (`npx perdure migrate --print` on an empty database shows it), or REINDEX it if it is invalid.",
  MESSAGES_UNDELIVERABLE: "Nobody will read them, or nobody will look: look for what changed the tables by hand, then correct the rows.",
  NOT_PRIMARY: "Give an address that leads to the primary (its name in DNS, a virtual address, a proxy): a standby takes no writes.",
  PRIVILEGES_MISSING: "Grant what `npx perdure migrate --print --role <role>` lists.",
  RUNS_CRASHING:
    "Look at the step that they were at when their workers died: memory, `process.exit`, a native crash. After ten times they are stopped.",
  RUNS_OVERDUE: "Start workers that have these workflows, or more of them; see that those which run can reach the database.",
  SCHEMA_DIFFERS: "Undo what was changed by hand: the release expects the tables as its migrations make them.",
  SCHEMA_MISSING: "Run `npx perdure migrate`.",
  SCHEMA_NEWER: "Install the release of @perdure/world-postgres that wrote it, or a later one.",
  SCHEMA_OLD: "Run `npx perdure migrate`, or let setup() migrate.",
  STANDBY_MISSING: "Start the standby, or take it out of synchronous_standby_names: until then no commit is acknowledged.",
  TABLE_BLOATED: "Let autovacuum run more often (cost limit, workers), end what holds it back (VACUUM_HELD_BACK), then VACUUM the table.",
  VACUUM_HELD_BACK:
    "End the transaction, the prepared transaction or the replication slot: dead rows stay for as long as it might see them.",
  WORKERS_DEAD: "Runs wait for a living worker to take them over: start workers that have these workflows.",
} as const;

/** The codes of what may be wrong. */
export type FindingCode = keyof typeof catalogue;

/** What is worth knowing and may be meant so. */
export const warnings: ReadonlySet<FindingCode> = new Set<FindingCode>([
  "CHECK_SKIPPED",
  "COMMITS_NOT_DURABLE",
  "CLOCK_SKEW",
  "VACUUM_HELD_BACK",
  "TABLE_BLOATED",
]);
