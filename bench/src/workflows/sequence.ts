async function noOp(index: number): Promise<{ index: number }> {
  "use step";
  return { index };
}

/** Calls a step that does nothing, again and again; returns how often. */
export async function sequence(steps: number): Promise<number> {
  "use workflow";
  let done = 0;
  while (done < steps) done = (await noOp(done)).index + 1;
  return done;
}
