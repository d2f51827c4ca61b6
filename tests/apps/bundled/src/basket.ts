export class Basket {
  #prices: number[] = [];

  constructor(readonly owner: string) {}

  add(price: number): void {
    this.#prices.push(price);
  }

  get total(): number {
    return this.#prices.reduce((sum, price) => sum + price, 0);
  }
}
