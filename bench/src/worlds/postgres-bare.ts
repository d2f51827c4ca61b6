import { randomUUID } from "node:crypto";
import pg from "pg";

import { createTurnBatcher, type Yardstick } from "../yardstick.ts";

/** As many as a World has commit lanes. */
export const connections = 2;
/** Of a batch; with fewer producers each connection has its share of them. */
const mostRows = 1000;

const insert = {
  name: "insert",
  text: "INSERT INTO history (run_id, seq, fence, data) SELECT * FROM unnest($1::uuid[], $2::int4[], $3::int4[], $4::bytea[])",
};

/** Batches of rows without fences into a table like the World's history, by one prepared statement each; parameters are written as the World writes them. */
export function createBarePostgres(url: string, row: Uint8Array): Yardstick {
  const clients = Array.from({ length: connections }, () => new pg.Client({ connectionString: url }));
  const free = [...clients];
  const literal = `"\\\\x${Buffer.from(row).toString("hex")}"`;
  let ids: string[] = [];
  let lengths: number[] = [];

  async function write(producers: readonly number[]): Promise<void> {
    const client = free.pop();
    if (!client) throw new Error("All connections of the yardstick are in use.");
    const columns: (string | number)[][] = [[], [], [], []];
    for (const producer of producers) {
      const length = (lengths[producer] ?? 0) + 1;
      lengths[producer] = length;
      for (const [column, value] of [ids[producer] ?? "", length, 1, literal].entries()) columns[column]?.push(value);
    }
    const values = columns.map((items) => `{${items.join(",")}}`);
    const { rowCount } = await client.query({ ...insert, values });
    if (rowCount !== producers.length) throw new Error(`The yardstick wrote ${rowCount} of ${producers.length} rows.`);
    free.push(client);
  }

  return {
    async open(producers) {
      ids = Array.from({ length: producers }, newId);
      lengths = Array.from({ length: producers }, () => 0);
      for (const client of clients) await client.connect();
      await clients[0]?.query(`
        CREATE TABLE history (
          run_id uuid NOT NULL, seq int4 NOT NULL, fence int4 NOT NULL, data bytea NOT NULL,
          PRIMARY KEY (run_id, seq)
        ) WITH (autovacuum_vacuum_insert_scale_factor = 0.5)`);
    },
    append: createTurnBatcher(write, { lanes: connections, most: () => Math.min(mostRows, Math.ceil(ids.length / connections)) }),
    commitOne: () => write([0]),
    async close() {
      for (const client of clients) await client.end();
    },
  };
}

/** A UUID version 7. */
function newId(): string {
  const time = Date.now().toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
