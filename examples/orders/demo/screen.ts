import type { Row } from "./rows.ts";

/** What the demo shows the progress on: a table that updates in place on a terminal, lines for changes elsewhere. */
export interface Screen {
  /** Something happened that is worth a line of its own. */
  say(text: string): void;
  /** How things stand. Cheap: call it as often as you like. */
  update(view: View): void;
  /** No further update; the last one stays. */
  end(): void;
}

export interface View {
  /** What is going on, in a few words. */
  readonly headline: string;
  readonly rows: readonly Row[];
}
