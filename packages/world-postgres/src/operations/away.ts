/** What was asked of other servers before a commit, or a creation of runs, because it needs names whose home is there (`shards/directory.ts`). */
export interface Away {
  /** Asked for a commit, not for a creation. */
  readonly isCommit: boolean;
  /** Keys: who has them, by a reservation of that run's own, or else. Null: nobody. */
  readonly keys: ReadonlyMap<string, Holder | null>;
  /** Tokens, by the operations of the hooks that want them. */
  readonly tokens: ReadonlyMap<string, TokenState>;
}

export interface Holder {
  readonly runId: string;
  /** The reservation that is to be used with the creation of the run; null: it was used, or there was none. */
  readonly reservation: string | null;
  /** At the key's own home: the reservation by which another run has it, which is known to have been used. */
  readonly living?: string;
  /** A run of this server whose row named the key before the home was asked, which had been told of all that this server knows: the key is that run's no more. */
  readonly outdated?: string;
}

/** `passed`: another hook of the run, which the same commit disposes, has the token. `free`: nobody has it, and nobody will. */
export type TokenState = { readonly is: "reserved"; readonly reservation: string } | { readonly is: "taken" | "passed" | "free" };

/** What a commit or a run brings along from there. */
export interface WithAway {
  readonly away?: Away;
}
