import { continueAsNew } from "perdure";
import { getRun, start } from "perdure/api";

async function pack(parcel: string) {
  "use step";
  return `${parcel} packed`;
}

async function nextPage(cursor: number) {
  "use step";
  return cursor < 6 ? cursor + 2 : null;
}

export async function ship(parcel: string) {
  "use workflow";
  return pack(parcel);
}

export async function fulfil(order: string, parcels: string[]) {
  "use workflow";
  const gift = await ship("gift"); // called: a part of this run
  const runs = await Promise.all(parcels.map((parcel) => start(ship, [parcel], { id: `${order}/${parcel}` }))); // started: runs of their own
  const packed = await Promise.all(runs.map((run) => run.returnValue));
  return [gift, ...packed];
}

export async function audit(id: string) {
  "use workflow";
  const packed = await getRun<typeof fulfil>(id).returnValue; // any run of the World
  return `${packed.length} parcels in ${id}`;
}

export async function readPages(cursor: number, pages: number): Promise<number> {
  "use workflow";
  const next = await nextPage(cursor);
  if (next === null) return pages;
  return continueAsNew<typeof readPages>([next, pages + 1]); // the same id, an empty history
}

const run = await start(fulfil, ["order-7", ["lamp", "chair"]], { id: "order-7" });
console.log(await run.returnValue);
console.log(await (await start(audit, ["order-7"])).returnValue);
console.log("a child:", await getRun("order-7/lamp").status, await getRun<typeof ship>("order-7/lamp").returnValue);
console.log("pages:", await (await start(readPages, [0, 0], { id: "pages" })).returnValue);
