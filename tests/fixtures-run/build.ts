import { join } from "node:path";
import perdure from "@perdure/compiler/esbuild";
import { build, type Plugin } from "esbuild";
import * as perdureApi from "perdure/api";
import * as perdureErrors from "perdure/errors";
import * as perdureInternal from "perdure/internal";
import * as perdureModule from "perdure";
import type { StagedFixture } from "./stage.ts";

const shared = {
  perdure: perdureModule,
  "perdure/api": perdureApi,
  "perdure/errors": perdureErrors,
  "perdure/internal": perdureInternal,
};

/** What the undirected program has instead of `perdure`: time that passes, and nothing durable. */
const plain = {
  ...shared,
  perdure: { ...perdureModule, sleep: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) },
};

const key = Symbol.for("perdure.fixtures-run");
Object.assign(globalThis, { [key]: { shared, plain } });

/** Builds the application of a fixture as users do, with the plugin for esbuild. Returns the path of the module. */
export async function buildDirected({ directed, entry }: StagedFixture): Promise<string> {
  return buildProgram(directed, entry, [perdure({ conditions: ["@perdure/source"] }), runtime("shared")]);
}

/** Builds the same program without directives, and without our plugin. */
export async function buildUndirected({ undirected, entry }: StagedFixture): Promise<string> {
  return buildProgram(undirected, entry, [runtime("plain")]);
}

async function buildProgram(folder: string, entry: string, plugins: Plugin[]): Promise<string> {
  const outfile = join(folder, "../node_modules/program.mjs");
  await build({
    entryPoints: [join(folder, entry)],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    loader: { ".js": "jsx" },
    target: "node20",
    logLevel: "silent",
    plugins,
  });
  return outfile;
}

/** All programs share the runtime that this process has: its modules are read from a global. */
function runtime(kind: "shared" | "plain"): Plugin {
  return {
    name: "runtime",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^perdure(?:\/|$)/ }, ({ path }) => ({ path, namespace: "runtime" }));
      onLoad({ filter: /.*/, namespace: "runtime" }, ({ path }) => {
        const names = Object.keys({ shared, plain }[kind][path as keyof typeof shared]);
        const from = `globalThis[Symbol.for(${JSON.stringify(key.description)})].${kind}[${JSON.stringify(path)}]`;
        // Names that collide with none of the program's, or esbuild would rename those.
        const constants = names.map((name) => `$runtime_${name} = ${from}.${name}`);
        const exported = names.map((name) => `$runtime_${name} as ${name}`);
        return { contents: `const ${constants.join(", ")};\nexport { ${exported.join(", ")} };` };
      });
    },
  };
}
