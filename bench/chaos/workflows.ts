/** What the load of `crash` leaves out: other runs, streams, published values, transactions. What they must do is written down a second time in `models.ts`. */
import { setTimeout as pause } from "node:timers/promises";
import { transaction } from "@perdure/world-postgres";
import { getWritable, publish, sleep } from "perdure";
import { start } from "perdure/api";

import { add, begin, finish, square } from "../crash/workflows.ts";

export async function child(n: number): Promise<number> {
  "use workflow";
  const value = await square(n);
  await sleep(10 + (n % 60));
  return add(value, 1);
}

export async function family(n: number, key: string): Promise<number> {
  "use workflow";
  const children = await Promise.all([1, 2, 3].map((index) => start(child, [n + index], { id: `${key}/${index}` })));
  const values = await Promise.all(children.map((run) => run.returnValue));
  return add(values[0] ?? 0, (values[1] ?? 0) + (values[2] ?? 0));
}

export async function progress(n: number): Promise<number> {
  "use workflow";
  let total = n;
  for (let done = 1; done <= 5; done++) {
    total = await add(total, done);
    publish("progress", { done, total });
  }
  return total;
}

/** A chunk of an execution of a step, of which there may be more than one. */
export interface Word {
  /** Which execution. */
  readonly by: string;
  readonly index: number;
  readonly of: number;
}

let executions = 0;

export async function speak(words: number): Promise<number> {
  "use step";
  await begin();
  const by = `${process.pid}.${++executions}`;
  const writer = getWritable<Word>({ namespace: "speech" }).getWriter();
  for (let index = 0; index < words; index++) {
    await writer.write({ by, index, of: words });
    await pause(index % 3);
  }
  writer.releaseLock();
  return finish(words);
}

export async function streams(n: number): Promise<number> {
  "use workflow";
  const writer = getWritable<string>({ namespace: "log" }).getWriter();
  await writer.write(`first ${n}`);
  const first = await speak(3 + (n % 5));
  await writer.write(`second ${first}`);
  await sleep(10 + (n % 20));
  const second = await speak(2 + (n % 3));
  await writer.write(`third ${second}`);
  await writer.close();
  return add(first, second);
}

/** Each transaction changes two tables; nothing but the World keeps it from doing so twice. */
export async function book(run: string, pieces: number): Promise<number> {
  "use step";
  await begin();
  const shelf = await transaction(async (client) => {
    await client.query("INSERT INTO bookings (run, pieces) VALUES ($1, $2)", [run, pieces]);
    const { rowCount } = await client.query("UPDATE shelves SET booked = booked + $1 WHERE id = $1 % 8", [pieces]);
    return rowCount;
  });
  return finish(pieces + (shelf ?? 0));
}

export async function booking(n: number, key: string): Promise<number> {
  "use workflow";
  const first = await book(key, 1 + (n % 50));
  const second = await book(key, 100 + (n % 50));
  return add(first, second);
}
