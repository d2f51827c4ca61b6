import { A, B, commitOf, testBroken } from "./broken.ts";
import type { Amendment, World } from "@perdure/world";

const rewind: Amendment = {
  seen: { status: "running", fence: 1 },
  rewind: { length: 2, keepRows: 1, copy: { id: B, note: "" }, operations: [], forgotten: [], messages: [], awaits: [] },
};
const use = async (world: World): Promise<unknown> => {
  await world.commit([commitOf(0, ["a", "b"])]);
  return world.amend(A, rewind);
};

testBroken([
  {
    name: "an amendment that leaves the run its fence",
    says: /was amended and has its fence 1 still/,
    breaks: () => ({ amend: async () => "amended" }),
    use,
  },
  {
    name: "a rewind that keeps fewer rows than it was to keep",
    says: /was to keep 1 rows and has 0/,
    breaks: (world) => ({ amend: (id, one) => world.amend(id, { ...one, rewind: { ...one.rewind!, keepRows: 0 } }) }),
    use,
  },
  {
    name: "a rewind whose copy lacks rows",
    says: /had 2 rows, and its copy has 1/,
    breaks: (world) => ({
      load: async (id, options) => {
        const page = await world.load(id, options);
        return id === B ? { ...page, rows: page.rows.slice(1) } : page;
      },
    }),
    use,
  },
  {
    name: "a rewind of a run that was said not to exist",
    says: /exists and was not found/,
    breaks: () => ({ amend: async () => "not_found" }),
    use,
  },
]);
