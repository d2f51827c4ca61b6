export { charge as pay } from "./steps.ts";
export * from "./steps.ts";
