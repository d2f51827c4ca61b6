/** What a process tells its parent: the entry is imported, it did not get that far, or its worker executes runs. */
export type ProcessMessage = "loaded" | "entry-failed" | "ready";
