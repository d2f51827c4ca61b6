/** Nothing imports this: a worker finds it through `virtual:perdure`. */
export async function audit(): Promise<string> {
  "use workflow";
  return count();
}

async function count(): Promise<string> {
  "use step";
  return "audited";
}

Object.assign(globalThis, { audit });
