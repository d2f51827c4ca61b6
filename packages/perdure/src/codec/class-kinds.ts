import { deserialize, findClass, serialize, storedClassOf, UnknownInstance } from "./classes.ts";
import { functionOfReference, referenceOfFunction } from "./function-references.ts";
import type { Kind } from "./kind.ts";
import { handleOfRun, runIdOf } from "./run-references.ts";

/** Created when what it is made of is complete. */
export const instance: Kind<object> = {
  write(value, writer) {
    if (value instanceof UnknownInstance) return [value.classId, writer.put(UnknownInstance.dataOf(value), "data")];
    const found = storedClassOf(value);
    if (!found?.id)
      return writer.refuse(`is an instance of ${found?.storedClass.name ?? "a class"}, which says how it is stored but is not registered.`);
    return [found.id, writer.put(serialize(found.storedClass, value), "data")];
  },
  create([, id, data], at) {
    const found = findClass(String(id));
    return found ? deserialize(found, at(data)) : new UnknownInstance(String(id), at(data));
  },
};

export const workflowReference: Kind<object> = {
  write: (value) => [referenceOfFunction(value)?.id ?? ""],
  create: ([, id]) => functionOfReference({ kind: "workflow", id: String(id), captures: null }),
};

/** The variables around the step are filled in later, into the object that the function has got already. */
export const stepReference: Kind<object> = {
  write(value, writer) {
    const { id = "", captures = null } = referenceOfFunction(value) ?? {};
    return captures ? [id, writer.put(captures, "captures")] : [id];
  },
  create([, id, captures], at) {
    const around = captures === undefined ? null : (at(captures) as Readonly<Record<string, unknown>>);
    return functionOfReference({ kind: "step", id: String(id), captures: around });
  },
};

export const runReference: Kind<object> = {
  write: (value) => [runIdOf(value) ?? ""],
  create: ([, id]) => handleOfRun(String(id)),
};
