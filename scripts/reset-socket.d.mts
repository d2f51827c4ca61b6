import type { Socket } from "node:net";

/** Cuts a connection, without a word to the other side, or closes it if its end was said already. */
export function resetSocket(socket: Socket): void;
