import { onTestFinished } from "vitest";

interface Warning {
  readonly code?: string;
  readonly message: string;
}

/** The warnings of this process that have the code, from now until the test is over. They grow as more are told. */
export function warningsOf(code: string): readonly Warning[] {
  const warnings: Warning[] = [];
  const listener = (warning: Warning): void => {
    if (warning.code === code) warnings.push(warning);
  };
  process.on("warning", listener);
  onTestFinished(() => void process.removeListener("warning", listener));
  return warnings;
}
