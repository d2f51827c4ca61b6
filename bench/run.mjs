// `npm run -s bench -- <name> …`: reads the command line, builds what is out of date, and runs the benchmark in a Node of its own, as a user's
// application would run: built packages, workflows compiled by the register hook. Nothing but the result goes to standard output.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchmarks, usage, usesServer } from "./catalogue.mjs";

const main = fileURLToPath(new URL("./src/main.ts", import.meta.url));
const root = fileURLToPath(new URL("../", import.meta.url));

/** A mistake on the command line. */
class UsageError extends Error {}

/** @returns {{ name: string, world: string, json: boolean, url: string | null, options: Record<string, number | null>, given: string[] } | null} null: only help was asked for */
function readCommandLine(args) {
  const [name, ...rest] = args;
  if (name === undefined) throw new UsageError("Which benchmark?");
  if (name === "--help") return null;
  const benchmark = benchmarks[name];
  if (!Object.hasOwn(benchmarks, name))
    throw new UsageError(`There is no benchmark "${name}"; there are ${Object.keys(benchmarks).join(", ")}.`);
  const values = parseOptions(name, benchmark, rest);
  if (values.help) return null;
  const world = values.world ?? benchmark.worlds[0];
  if (!benchmark.worlds.includes(world)) {
    throw new UsageError(`${name} has no World "${world}"; there are ${benchmark.worlds.join(", ")}.`);
  }
  const options = {};
  for (const [option, { default: value, least, flag }] of Object.entries(benchmark.options)) {
    if (values[option] === undefined) options[option] = value;
    else options[option] = flag ? 1 : wholeNumber(option, values[option], least);
  }
  const given = Object.keys(benchmark.options).filter((option) => options[option] !== benchmark.options[option].default);
  return { name, world, json: values.json ?? false, url: values.url ?? null, options, given };
}

function parseOptions(name, benchmark, args) {
  const typeOf = ({ flag }) => ({ type: flag ? "boolean" : "string" });
  const own = Object.fromEntries(Object.entries(benchmark.options).map(([name, option]) => [name, typeOf(option)]));
  const server = usesServer(benchmark) && { url: { type: "string" } };
  const options = { world: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean" }, ...server, ...own };
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const known = Object.keys(options).map((option) => `--${option}`);
    throw new UsageError(`${error.message.split(". ")[0].replace(/\.$/, "")}; ${name} has ${known.join(", ")}.`);
  }
}

function wholeNumber(option, text, least) {
  const value = Number(text.replaceAll(/[_,]/g, ""));
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`--${option} is "${text}"; it must be a whole number, ${least} or more.`);
}

/** Runs Node from the repository's root. */
function node(args, stdio) {
  const env = { TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", ...process.env };
  const result = spawnSync(process.execPath, args, { cwd: root, env, stdio, encoding: "utf8" });
  if (result.error) throw result.error;
  return result;
}

/** Turbo knows what is out of date; with nothing to do it takes a moment. Its output is of interest when it fails. */
function build() {
  for (const args of [["scripts/generate-kernel.mjs"], ["node_modules/turbo/bin/turbo", "run", "build", "--output-logs=errors-only"]]) {
    const { status, stdout, stderr } = node(args, ["ignore", "pipe", "pipe"]);
    if (status === 0) continue;
    console.error(`${stdout}${stderr}\nThe build failed; nothing was measured.`);
    return false;
  }
  return true;
}

function measure(request) {
  // From this folder, so that the hook is found as this package's dependency.
  const hook = import.meta.resolve("@perdure/compiler/register");
  const young = request.options["semi-space"] ?? null;
  return (
    node(
      [...(young === null ? [] : [`--max-semi-space-size=${young}`]), "--import", hook, main, JSON.stringify(request)],
      ["ignore", "inherit", "inherit"],
    ).status ?? 1
  );
}

try {
  const request = readCommandLine(process.argv.slice(2));
  if (request === null) console.log(usage());
  else process.exitCode = build() ? measure(request) : 1;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${usage()}`);
  process.exitCode = 2;
}
