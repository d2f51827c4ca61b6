// As much of PostgreSQL's wire protocol (version 3.0) as a proxy needs to step into it:
// https://www.postgresql.org/docs/18/protocol-message-formats.html

/** A message: its type and all its bytes. The first message of a client has no type; it is `""`. */
export interface Message {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Cuts a stream into messages. `startup`: the first message is the one without a type. */
export class Framer {
  #rest: Buffer = Buffer.alloc(0);
  #startup: boolean;

  constructor(startup: boolean) {
    this.#startup = startup;
  }

  /** What is whole by now. */
  push(chunk: Buffer): Message[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Message[] = [];
    for (let one = this.#next(); one !== undefined; one = this.#next()) messages.push(one);
    return messages;
  }

  #next(): Message | undefined {
    const header = this.#startup ? 0 : 1;
    if (this.#rest.length < header + 4) return undefined;
    const length = header + this.#rest.readInt32BE(header);
    if (this.#rest.length < length) return undefined;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    if (this.#startup) {
      if (requestCode(bytes) === PROTOCOL_3) this.#startup = false;
      return { type: "", bytes };
    }
    return { type: String.fromCharCode(bytes[0]!), bytes };
  }
}

const PROTOCOL_3 = 3 << 16;
const ENCRYPTION = new Set([80877103, 80877104]); // SSLRequest, GSSENCRequest

const requestCode = (startup: Buffer): number => startup.readInt32BE(4);

/** Whether a client's first message asks for encryption; the answer is one byte, `N` for no. */
export function asksForEncryption({ bytes }: Message): boolean {
  return ENCRYPTION.has(requestCode(bytes));
}

/** The text that ends with a zero byte at `from`. */
function textAt(bytes: Buffer, from: number): string {
  return bytes.toString("utf8", from, bytes.indexOf(0, from));
}

/** The statement of a Query message. */
export function queryText({ bytes }: Message): string {
  return textAt(bytes, 5);
}

/** Name and statement of a Parse message. */
export function parsed({ bytes }: Message): { name: string; sql: string } {
  const name = textAt(bytes, 5);
  return { name, sql: textAt(bytes, 5 + Buffer.byteLength(name) + 1) };
}

/** The name of the prepared statement of a Bind message. */
export function boundName({ bytes }: Message): string {
  return textAt(bytes, bytes.indexOf(0, 5) + 1);
}

/** How a connection stands after a statement: outside a transaction, in one, in one that failed. */
export type TransactionStatus = "I" | "T" | "E";

/** The status of a ReadyForQuery message. */
export function statusOf({ bytes }: Message): TransactionStatus {
  return String.fromCharCode(bytes[5]!) as TransactionStatus;
}

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(type, "latin1");
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

/** A Query message. */
export function query(sql: string): Buffer {
  return message("Q", Buffer.from(`${sql}\0`));
}

/** An ErrorResponse with a SQLSTATE, and the ReadyForQuery that follows it. */
export function refusal(code: string, text: string, status: TransactionStatus): Buffer {
  const fields = Buffer.from(`SERROR\0VERROR\0C${code}\0M${text}\0\0`);
  return Buffer.concat([message("E", fields), message("Z", Buffer.from(status))]);
}
