/**
 * How long a transaction of the World waits for its next statement before the server ends it, and the connection with it.
 *
 * A process that is stopped in the middle of one (its machine suspended, its network gone) would keep the locks on its runs for as long as the server believes in the connection:
 * hours, and for a stopped process for ever, because its system goes on answering for it. Claims pass by locked runs, so nobody would take them over. Half a minute is
 * six leases as they are by default, and longer than the event loop of a healthy process is blocked; one that was is rolled back, and tried again on another connection.
 */
export const IDLE_MS = 30_000;

/** What follows BEGIN in the same text, as SQL: sets the limit for this transaction alone, also behind a pooler. A shorter one that is set already stays. */
export function limitIdle(ms: number): string {
  return `
  SELECT set_config('idle_in_transaction_session_timeout', '${ms}ms', true)
  WHERE current_setting('idle_in_transaction_session_timeout')::interval NOT BETWEEN '1ms' AND '${ms}ms'`;
}
