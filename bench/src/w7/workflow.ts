import { getStepMetadata } from "perdure";

let note: (step: string) => void = () => {
  throw new Error("The ledger is not open.");
};

/** Where the steps of this process leave their traces. */
export function useLedger(append: (step: string) => void): void {
  note = append;
}

async function noted(index: number): Promise<{ index: number }> {
  "use step";
  note(getStepMetadata().stepId);
  return { index };
}

/** The workload of `w2`, of which each attempt leaves a trace. */
export async function notedSequence(steps: number): Promise<number> {
  "use workflow";
  let done = 0;
  while (done < steps) done = (await noted(done)).index + 1;
  return done;
}
