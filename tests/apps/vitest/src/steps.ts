export const currency: string = "EUR";

export async function charge(order: string, cents: number): Promise<string> {
  "use step";
  return `${order} paid ${cents} ${currency}`;
}

export const ship = async (order: string): Promise<string> => {
  "use step";
  return `${order} shipped`;
};

export const parcels = {
  async label(order: string): Promise<string> {
    "use step";
    return `label of ${order}`;
  },
};

export async function unreliable(): Promise<string> {
  "use step";
  throw new Error("the real one is down");
}
