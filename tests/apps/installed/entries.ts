// Never run: all public entries whose declarations must stand on their own, without Node's types.
export type * as world from "@perdure/world";
export type * as conformance from "@perdure/world/conformance";
export type * as memory from "@perdure/world/memory";
export type * as sqlite from "@perdure/world-sqlite";
export type * as perdure from "perdure";
export type * as api from "perdure/api";
export type * as errors from "perdure/errors";
export type * as http from "perdure/http";
export type * as internal from "perdure/internal";
export type * as runtime from "perdure/runtime";
export type * as testing from "perdure/testing";
export type * as worker from "perdure/worker";
