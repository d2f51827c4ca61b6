/** No directive: a plain module that workflows, steps and tests share. */
export class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
  static [Symbol.for("workflow-serialize")]({ cents }: Money) {
    return cents;
  }
  static [Symbol.for("workflow-deserialize")](cents: number) {
    return new Money(cents);
  }
}
