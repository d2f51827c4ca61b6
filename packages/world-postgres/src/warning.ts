/** What this World warns of, with what to do about it; a warning of the process with the code, once. */
export const catalogue = {
  DELIVERY_FAILED: "It stays in the outbox of the server that it comes from, and is tried again every few seconds.",
  LEASE_THREAD_FAILED:
    "Leases are kept by the main thread now: a step that blocks it for longer than the lease loses its runs to other workers. Let the bundler leave `pg` an import (external), or set `stuckMs: 0` to do without the thread.",
  RETENTION_FAILED: "Runs that `retentionMs` would remove stay, and it is tried again every minute.",
  SERVER_UNREACHED: "setup() goes on trying for as long as `patienceMs` says.",
} as const;

const told = new Set<string>();

/** Warns, unless this process was told already. @param about where the same code may be worth a warning of its own for several things: which of them */
export function warnOf(code: keyof typeof catalogue, message: string, about = ""): void {
  const key = `${code} ${about}`;
  if (told.has(key)) return;
  told.add(key);
  process.emitWarning(`${message} ${catalogue[code]}`, "PerdureWarning", code);
}
