import { latency } from "./latency.ts";
import { openLedger, type Entry } from "./ledger.ts";

interface Mail extends Entry {
  readonly to: string;
  readonly text: string;
}

const mails = openLedger<Mail>("mails");

/** Sends a mail. */
export async function sendMail(request: { key: string; orderId: string; to: string; text: string }): Promise<void> {
  await latency(50, 200);
  mails.record(request);
}
