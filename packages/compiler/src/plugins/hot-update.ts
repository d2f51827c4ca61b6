import { fileKey } from "../bundle/file-key.ts";
import { CompileError } from "../diagnose/diagnostic.ts";
import { APPLICATION_ID, concernsApplication, scanApplication } from "./application-module.ts";
import { generateBundles } from "./factory.ts";
import { type LoadedBundles, type PluginState, rememberBundles } from "./plugin-state.ts";

/**
 * Finds the ids of the virtual modules that a change of a file changes. Bundles are built anew to know: the body of a step, a comment
 * or the formatting changes none. Vite asks for each of its environments, and changes may overlap; the answer for one change, told by its time, is
 * found once.
 */
export function createChangeFinder(state: PluginState): (file: string, timestamp: number) => Promise<string[]> {
  const answers = new Map<string, Promise<string[]>>();
  return (file, timestamp) => {
    const key = `${timestamp}:${file}`;
    const answer = answers.get(key) ?? findChanged(state, file);
    answers.set(key, answer);
    for (const old of [...answers.keys()].slice(0, -KEPT_ANSWERS)) answers.delete(old);
    return answer;
  };
}

const KEPT_ANSWERS = 100;

async function findChanged(state: PluginState, file: string): Promise<string[]> {
  const affected = [...state.bundles].filter(([, { inputs }]) => inputs.has(fileKey(file)));
  const bundles = await Promise.all(affected.map(async ([id, before]) => ((await changes(state, id, before)) ? [id] : [])));
  return [...bundles.flat(), ...(changesApplication(state, file) ? [`\0${APPLICATION_ID}`] : [])];
}

async function changes(state: PluginState, id: string, { file, code }: LoadedBundles): Promise<boolean> {
  try {
    const built = await generateBundles(state, file);
    rememberBundles(state, id, { file, ...built });
    return built.code !== code;
  } catch (error) {
    if (error instanceof CompileError) return true; // loading it again will say what is wrong
    throw error;
  }
}

function changesApplication(state: PluginState, file: string): boolean {
  if (state.application === null || !concernsApplication(state.application, file)) return false;
  const { code } = state.application;
  state.application = scanApplication(state.root, state);
  return state.application.code !== code;
}
