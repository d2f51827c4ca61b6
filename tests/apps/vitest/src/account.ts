import { Money } from "./money.ts";

export class Account {
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
  static [Symbol.for("workflow-serialize")]({ key }: Account) {
    return { key };
  }
  static [Symbol.for("workflow-deserialize")](data: { key: string }) {
    return new Account(data.key);
  }
  async charge(amount: Money) {
    "use step";
    return { account: this, key: this.key, known: this instanceof Account && amount instanceof Money, left: new Money(amount.cents + 1) };
  }
}

export async function pay(account: Account) {
  "use workflow";
  const first = await account.charge(new Money(5));
  const second = await first.account.charge(first.left);
  const known = [account, first.account, second.account].every((one) => one instanceof Account);
  return { known: known && first.known && second.known && second.left instanceof Money, key: second.key, left: second.left };
}
