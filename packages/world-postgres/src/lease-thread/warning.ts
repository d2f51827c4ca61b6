/** What this World warns of, with what to do about it; a warning of the process with the code, once. */
export const catalogue = {
  LEASE_THREAD_FAILED:
    "Leases are kept by the main thread now: a step that blocks it for longer than the lease loses its runs to other workers. Let the bundler leave `pg` an import (external), or set `stuckMs: 0` to do without the thread.",
} as const;

const told = new Set<string>();

/** Warns, unless this process was told already. */
export function warnOf(code: keyof typeof catalogue, message: string): void {
  if (told.has(code)) return;
  told.add(code);
  process.emitWarning(`${message} ${catalogue[code]}`, "PerdureWarning", code);
}
