async function noOp(index: number): Promise<{ index: number }> {
  "use step";
  return { index };
}

/** Calls so many steps at once; returns how many came back in their places. */
export async function fan(steps: number): Promise<number> {
  "use workflow";
  const results = await Promise.all(Array.from({ length: steps }, (_, index) => noOp(index)));
  return results.filter((result, index) => result.index === index).length;
}
