/** Says how to undo what the saga has done, or is about to do. */
export type Compensate = (undo: () => unknown) => void;
