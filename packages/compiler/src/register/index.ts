import * as module from "node:module";
import { type RegisterHooks, installSyncHooks } from "./sync-hooks.ts";

// `node --import @perdure/compiler/register app.ts`: compiles modules with directives as they are loaded, and all TypeScript.

process.setSourceMapsEnabled(true);

const { registerHooks } = module as { registerHooks?: RegisterHooks };
if (registerHooks) installSyncHooks(registerHooks);
else module.register(import.meta.url.endsWith(".ts") ? "./async-hooks.ts" : "./async-hooks.js", import.meta.url);
