import pg from "pg";
const url = "postgres://postgres@127.0.0.1:55432/postgres";
const c = new pg.Client(url);
await c.connect();
const { rows } = await c.query("select count(*) from perf.history");
console.log(rows);
