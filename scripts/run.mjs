// Child processes of the scripts: output goes straight through, standard input is closed, the root is the working directory.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = fileURLToPath(new URL("../", import.meta.url));

const windows = process.platform === "win32";

/** Runs a command and waits for it. Returns its exit status, 1 when a signal or a missing program ended it. */
export function run(command, args, options = {}) {
  const env = { TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", ...process.env, ...options.env };
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], ...options, env });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return result.status ?? 1;
}

/** Runs Node, the same one that runs the caller. */
export const node = (...args) => run(process.execPath, args);

/** Runs npm. */
export const npm = (...args) => run(windows ? "npm.cmd" : "npm", args, { shell: windows });
