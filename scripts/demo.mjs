// `npm run demo`, also on a fresh clone: installs if needed, builds, starts the demo of examples/orders. Further arguments go to it.
import { install } from "./install.mjs";
import { npm, run } from "./run.mjs";

const extra = process.argv.slice(2);
const ready = install() && npm("run", "build") === 0;
// The demo has the terminal: it may ask, and draws on it.
process.exitCode = ready
  ? run("npm", ["run", "demo", "--silent", "--workspace", "examples/orders", "--", ...extra], {
      stdio: "inherit",
      shell: process.platform === "win32",
    })
  : 1;
