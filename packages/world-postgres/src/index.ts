export type { World } from "@perdure/world";
