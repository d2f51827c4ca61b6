export { seal } from "./seal.js";
export { unused } from "./unused.js";
