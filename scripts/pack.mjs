// Packs a package as npm would publish it.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Packs the package in `folder` into `destination`: the tarball's path, and the paths of the files in it. Build first. */
export function pack(folder, destination) {
  const options = { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], shell: process.platform === "win32" };
  const output = execFileSync("npm", ["pack", "--json", "--silent", "--pack-destination", destination], options);
  const [result] = Object.values(JSON.parse(output));
  return { tarball: join(destination, result.filename), files: result.files.map((file) => file.path) };
}
