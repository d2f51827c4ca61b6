/** Gives names to generated variables that no variable and no global of the module has. */
export type UniqueName = (base: string) => string;

/** The same source always gets the same names. Asking twice for one base gives two names. */
export function createUniqueName(names: ReadonlySet<string>): UniqueName {
  const given = new Set<string>();
  return (base) => {
    let name = base;
    for (let suffix = 1; names.has(name) || given.has(name); suffix++) name = `${base}${suffix}`;
    given.add(name);
    return name;
  };
}
