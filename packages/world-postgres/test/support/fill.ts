import type pg from "pg";

/** 300,000 finished runs and 100,000 that wait, with all that belongs to them. */
export async function fill(client: pg.Client, schema: string): Promise<void> {
  const id = (number: string): string => `('01900000-0000-7000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`;
  const idOf = (name: string): string => `('x' || left(encode(sha256(convert_to(${name}, 'UTF8')), 'hex'), 16))::bit(64)::int8`;
  // What is not written to the log is read the same way.
  const { rows: tables } = await client.query<{ name: string }>("SELECT tablename AS name FROM pg_tables WHERE schemaname = $1", [schema]);
  await client.query(tables.map(({ name }) => `ALTER TABLE "${schema}"."${name}" SET UNLOGGED`).join(";"));
  await client.query(`
    SET search_path TO "${schema}";
    INSERT INTO workers SELECT g, 'worker ' || g, 4e15::int8 FROM generate_series(1, 50) g;
    INSERT INTO runs (id, owner, due_at, created_at, ended_at, fence, mail, status, workflow, version, key, parent, parent_operation, input, output)
      SELECT ${id("g")},
        CASE WHEN g > 300000 AND g % 5 = 0 THEN g % 50 + 1 END,
        CASE WHEN g > 300000 AND g % 2 = 0 THEN 4e15::int8 + g END,
        g, CASE WHEN g <= 300000 THEN g END, 1,
        CASE WHEN g > 300000 AND g % 1000 = 0 THEN 1 ELSE 0 END,
        CASE WHEN g > 300000 THEN 0 WHEN g % 100 = 0 THEN 2 ELSE 1 END,
        ${idOf("'app/flows#flow' || g % 20")}, ${idOf("'v' || g % 7")},
        CASE WHEN g % 4 = 0 THEN 'key ' || g END,
        CASE WHEN g % 10 = 0 THEN ${id("g - g % 1000")} END, CASE WHEN g % 10 = 0 THEN 'op' END,
        '\\x01', CASE WHEN g <= 300000 THEN '\\x02'::bytea END
      FROM generate_series(1, 400000) g;
    INSERT INTO history SELECT ${id("g")}, s, 1, '\\x0102030405' FROM generate_series(1, 400000) g, generate_series(1, 2) s;
    INSERT INTO messages (run_id, message, kind, operation, payload)
      SELECT ${id("g")}, 'm', 'wake', NULL, CASE WHEN g > 300000 AND g % 1000 = 0 THEN '\\x01'::bytea END FROM generate_series(2, 400000, 2) g;
    INSERT INTO hooks (token, run_id, operation) SELECT 'token ' || g, ${id("g")}, 'hook' FROM generate_series(300001, 400000, 2) g;
    INSERT INTO awaits (run_id, operation, awaited) SELECT ${id("g")}, 'await', ${id("g + 1")} FROM generate_series(300001, 399999, 5) g;
    INSERT INTO attributes SELECT r.id, 'colour', to_json('c' || r.number % 30)::text, r.number FROM runs r WHERE r.number % 2 = 0;
    INSERT INTO attributes SELECT r.id, 'customer', to_json('c' || r.number)::text, r.number FROM runs r WHERE r.number % 4 = 0;
    INSERT INTO state SELECT ${id("g")}, 'progress', 1, '\\x01' FROM generate_series(1, 400000, 4) g;
    INSERT INTO streams (run_id, name, length) SELECT ${id("g")}, 'out', 5 FROM generate_series(1, 400000, 20) g;
    INSERT INTO chunks SELECT s.id, p, '\\x0102' FROM streams s, generate_series(0, 4) p;
    INSERT INTO stream_writers SELECT s.id, 'writer', 5 FROM streams s;
    INSERT INTO transactions (run_id, operation, name, result) SELECT ${id("g")}, 'op', '#1', '\\x01' FROM generate_series(1, 400000, 8) g;
    INSERT INTO names SELECT ${idOf("'app/flows#flow' || g")}, 'app/flows#flow' || g FROM generate_series(0, 9999) g;
    INSERT INTO names SELECT ${idOf("'v' || g")}, 'v' || g FROM generate_series(0, 9999) g;
    INSERT INTO code (hash, bytes, used_at) SELECT 'hash ' || g, '\\x01', g FROM generate_series(1, 20000) g;
    ANALYZE;`);
}
