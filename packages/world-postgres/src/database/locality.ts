/** What of the world is on one server, where there are several. */
export interface Locality {
  /** Whether a run lives on this server. Text that is no id of a run lives anywhere. */
  isLocal(runId: string): boolean;
  /** Whether this server says who has a name. */
  isHome(kind: NameKind, name: string): boolean;
  /** Something for other servers was written: within a transaction, told when that was committed. */
  noteOutbox(): void;
}

/** What is unique among all servers. */
export type NameKind = "key" | "token";
