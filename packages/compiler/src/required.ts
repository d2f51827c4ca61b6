/**
 * Packages that are CommonJS, required and not imported: before it imports one, Node looks for its exports with a lexer, which for these takes as long as to evaluate them
 * (90 ms; twice where the loader is installed, which has a thread of its own).
 */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export const { parse } = require("@babel/parser") as typeof import("@babel/parser");

/** Not everybody who compiles bundles. */
export const esbuild = (): typeof import("esbuild") => require("esbuild") as typeof import("esbuild");

/** Only mistakes need it. */
export const codeFrames = (): typeof import("@babel/code-frame") => require("@babel/code-frame") as typeof import("@babel/code-frame");
