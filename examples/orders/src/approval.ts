import { defineHook, type StandardSchema } from "perdure";

/** What a human decides about a large order. */
export interface Decision {
  readonly approved: boolean;
  readonly by: string;
}

// A schema of Zod, Valibot or ArkType fits here as it is; for two fields this is enough.
const decisionSchema: StandardSchema<Decision> = {
  "~standard": {
    version: 1,
    vendor: "orders",
    validate(value) {
      const { approved, by } = (value ?? {}) as Partial<Record<keyof Decision, unknown>>;
      if (typeof approved !== "boolean") return { issues: [{ message: "must be true or false", path: ["approved"] }] };
      if (typeof by !== "string" || by === "") return { issues: [{ message: "must be the name of who decides", path: ["by"] }] };
      return { value: { approved, by } };
    },
  },
};

/** Where a decision arrives: the workflow opens it with `create()`, the HTTP side answers it with `resume()`. */
export const approval = defineHook({ schema: decisionSchema });

/** The address of an order's approval. One that follows from the order's id needs no table of who waits where. */
export function approvalToken(orderId: string): string {
  return `approval-${orderId}`;
}
