/**
 * Requests that can be answered: those that came to a webhook. Who waits for the answer is stored with the request, so that a step that is given one can answer it too.
 */
import { setOwn } from "./kind.ts";

/** Who waits for the answer to a request: a message to a run, given by the World's own id. */
export interface AnswerAddress {
  readonly runId: string;
  readonly message: string;
}

type Answer = (address: AnswerAddress, response: unknown) => Promise<void>;

const addresses = new WeakMap<object, AnswerAddress>();
let inWorkflow: (address: AnswerAddress, response: unknown) => Promise<void> | null = () => null;
let elsewhere: Answer = () => Promise.reject(new Error("Nothing here can answer requests."));

/** Says how workflow code answers; null where no workflow code is running. */
export function answerInWorkflowBy(answer: typeof inWorkflow): void {
  inWorkflow = answer;
}

/** Says how steps answer. */
export function answerElsewhereBy(answer: Answer): void {
  elsewhere = answer;
}

/** Gives a request `respondWith()`. Returns it. */
export function makeAnswerable<T extends object>(request: T, address: AnswerAddress): T {
  addresses.set(request, address);
  setOwn(request, "respondWith", (response: unknown) => inWorkflow(address, response) ?? elsewhere(address, response), false);
  return request;
}

export function answerAddressOf(request: object): AnswerAddress | undefined {
  return addresses.get(request);
}
