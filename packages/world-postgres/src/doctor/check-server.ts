import type { Examination } from "./examination.ts";

const skewMs = 1000;

export async function isStandby({ rows }: Examination): Promise<boolean> {
  const [row] = await rows<{ standby: boolean }>("SELECT pg_is_in_recovery() AS standby");
  return row!.standby;
}

export async function checkServer(examination: Examination): Promise<void> {
  await checkClock(examination);
  await checkSettings(examination);
  await checkHorizon(examination);
}

/** The time of the host between the question and the answer; the shortest of three. */
async function checkClock({ rows, found }: Examination): Promise<void> {
  let best = { tookMs: Number.POSITIVE_INFINITY, skewMs: 0 };
  for (let times = 0; times < 3; times++) {
    const before = Date.now();
    const [row] = await rows<{ ms: number }>("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms");
    const tookMs = Date.now() - before;
    if (tookMs < best.tookMs) best = { tookMs, skewMs: row!.ms - (before + tookMs / 2) };
  }
  if (Math.abs(best.skewMs) <= skewMs + best.tookMs / 2) return;
  const seconds = (Math.abs(best.skewMs) / 1000).toFixed(1);
  found("CLOCK_SKEW", `The clock of the database is ${seconds} s ${best.skewMs > 0 ? "ahead of" : "behind"} the one of this machine.`);
}

async function checkSettings({ rows, found }: Examination): Promise<void> {
  const settings = await rows<{ name: string; setting: string }>(
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum', 'track_counts', 'synchronous_standby_names')",
  );
  const valueOf = (name: string): string | undefined => settings.find((one) => one.name === name)?.setting;
  for (const name of ["fsync", "full_page_writes", "synchronous_commit"]) {
    if (valueOf(name) === "off") found("COMMITS_NOT_DURABLE", `${name} is off.`);
  }
  for (const name of ["autovacuum", "track_counts"]) if (valueOf(name) === "off") found("AUTOVACUUM_OFF", `${name} is off.`);
  const waits = !["off", "local"].includes(valueOf("synchronous_commit") ?? "");
  const names = valueOf("synchronous_standby_names") ?? "";
  if (names === "" || !waits) return;
  const [row] = await rows<{ count: number }>(
    "SELECT count(*)::int4 AS count FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')",
  );
  if (row!.count === 0)
    found("STANDBY_MISSING", `Commits wait for a standby (synchronous_standby_names is "${names}"), and none is connected.`);
}

/** Whatever has an old snapshot keeps vacuum from removing what is dead since. */
async function checkHorizon({ rows, found, longTransactionS }: Examination): Promise<void> {
  const sessions = await rows<{ pid: number; seconds: number; state: string; application: string }>(
    `SELECT pid, extract(epoch FROM clock_timestamp() - xact_start)::int4 AS seconds, coalesce(state, 'unknown') AS state, coalesce(application_name, '') AS application
     FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
       AND xact_start < clock_timestamp() - make_interval(secs => $1) ORDER BY xact_start`,
    [longTransactionS],
  );
  for (const { pid, seconds, state, application } of sessions) {
    found("VACUUM_HELD_BACK", `A transaction is open for ${seconds} s (pid ${pid}, ${state}, application "${application}").`);
  }
  const prepared = await rows<{ gid: string }>(
    "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND prepared < clock_timestamp() - make_interval(secs => $1)",
    [longTransactionS],
  );
  for (const { gid } of prepared) found("VACUUM_HELD_BACK", `The prepared transaction "${gid}" was neither committed nor rolled back.`);
  const slots = await rows<{ name: string; age: number }>(
    "SELECT slot_name::text AS name, age(xmin)::int4 AS age FROM pg_replication_slots WHERE NOT active AND xmin IS NOT NULL AND age(xmin) > 1000000",
  );
  for (const { name, age } of slots)
    found("VACUUM_HELD_BACK", `The replication slot "${name}" is not used and holds back ${age} transactions.`);
}
