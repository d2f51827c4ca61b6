import path, { type PlatformPath } from "node:path";

/** A name for an absolute path under which every way of writing it meets: with `/`, and on Windows with the drive's letter in capitals. */
export function fileKey(file: string, { sep }: PlatformPath = path): string {
  if (sep === "/") return file;
  return file.replaceAll("\\", "/").replace(/^[a-z]:/, (drive) => drive.toUpperCase());
}
