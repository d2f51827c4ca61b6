import { packageConfig } from "../../tsdown.base.ts";

export default packageConfig(["src/bin.ts", "src/worker/worker-process.ts", "src/check/check-process.ts"]);
