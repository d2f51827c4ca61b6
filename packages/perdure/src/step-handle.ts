/** A step that was started and is awaited elsewhere, or not at all. */
export interface StepHandle<R> {
  /** Names this call of the step: `getStepMetadata().stepId` in its attempts. */
  readonly id: string;
  readonly result: Promise<R>;
  /** Gives the step up: `result` rejects with a CancelledError, an attempt under way is told by its `signal`. Nothing happens when it has ended. */
  cancel(reason?: unknown): void;
}
