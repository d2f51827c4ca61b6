// `npm run demo`, also on a fresh clone: installs if needed, builds, starts the demo of examples/orders. Further arguments go to it.
import { spawnSync } from "node:child_process";
import { install } from "./install.mjs";
import { root, run } from "./run.mjs";

const extra = process.argv.slice(2);

/** Builds quietly: what the build says is of interest only when it fails. */
function build() {
  console.log("Building the packages (the first time takes a minute) …");
  const { status, stdout, stderr, error } = spawnSync("npm run build", { cwd: root, shell: true, encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) console.error(`${stdout}${stderr}${error ?? ""}`);
  return status === 0;
}

// Node, not npm, runs the demo: one process less between the terminal and its signals. It has the terminal, because it draws on it.
process.exitCode =
  install() && build()
    ? run(process.execPath, ["--import", "@perdure/compiler/register", "demo.ts", ...extra], {
        cwd: `${root}examples/orders`,
        stdio: "inherit",
      })
    : 1;
