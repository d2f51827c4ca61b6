import { getHeapSnapshot } from "node:v8";

/** Bytes and numbers of objects by what made them: a constructor's name, for the engine's own kinds of objects theirs. */
export type Census = ReadonlyMap<string, { readonly count: number; readonly bytes: number }>;

interface Snapshot {
  readonly snapshot: { readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly [readonly string[]] } };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Counts what is alive. */
export async function takeCensus(): Promise<Census> {
  const chunks: Buffer[] = [];
  for await (const chunk of getHeapSnapshot()) chunks.push(chunk as Buffer);
  const { snapshot, nodes, strings } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ["type", "name", "self_size"].map((field) => fields.indexOf(field)) as [number, number, number];
  const census = new Map<string, { count: number; bytes: number }>();
  for (let node = 0; node < nodes.length; node += fields.length) {
    const kind = types[0][nodes[node + type] ?? 0] ?? "";
    const called = strings[nodes[node + name] ?? 0] ?? "";
    const key =
      kind === "object" || kind === "closure" ? `${kind} ${called}` : /string/.test(kind) ? "string" : `${kind} ${called.slice(0, 40)}`;
    const entry = census.get(key);
    const bytes = nodes[node + size] ?? 0;
    if (entry) {
      entry.count++;
      entry.bytes += bytes;
    } else census.set(key, { count: 1, bytes });
  }
  return census;
}

/** What there is more of, by bytes: a line for each kind of which every run has some. */
export function growthOf(before: Census, after: Census, runs: number): string[] {
  const lines: { readonly bytes: number; readonly line: string }[] = [];
  for (const [key, { count, bytes }] of after) {
    const was = before.get(key) ?? { count: 0, bytes: 0 };
    const [more, each] = [(count - was.count) / runs, (bytes - was.bytes) / runs];
    if (each >= 4) lines.push({ bytes: each, line: `${each.toFixed(0).padStart(8)} B ${more.toFixed(2).padStart(8)} ×  ${key}` });
  }
  return lines.sort((a, b) => b.bytes - a.bytes).map(({ line }) => line);
}
