import { packageConfig } from "../../tsdown.base.ts";

// Loaded by URL: the hooks' thread of Node 20, and what the generated modules of `register` import.
export default packageConfig(["src/register/async-hooks.ts", "src/register/bundles.ts"]);
