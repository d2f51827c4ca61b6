import { readFileSync } from "node:fs";
import { Size } from "./size.ts";

/** Pure: for workflows. */
export function priceOf(size: Size): number {
  return size === Size.Large ? 7 : 3;
}

/** Reads a file: for steps. */
export function readRate(): number {
  return (JSON.parse(readFileSync("rate.json", "utf8")) as { rate: number }).rate;
}
