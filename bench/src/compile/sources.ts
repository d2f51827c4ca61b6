/** How many steps and workflows a part of {@link sourceWithSteps} declares. */
export const markedPerPart = { steps: 3, workflows: 1 };

/**
 * A TypeScript module of about so many bytes: helpers, types, exported steps, and workflows with a step nested in them. Denser with steps than most files of an application, so that the transform has work to do
 * everywhere.
 */
export function sourceWithSteps(bytes: number, name = "Order"): string {
  let text = `const endpoint = "https://example.com/api";\nconst limit = 500_00;\n`;
  for (let index = 0; index === 0 || text.length < bytes; index++) text += part(`${name}${index}`);
  return text;
}

/** How often {@link sourceWithSteps} repeated its part. */
export function partsOf(source: string): number {
  return source.split('"use workflow"').length - 1;
}

const part = (name: string): string => `
/** What a customer sends. The customer chooses the id, so that what is sent twice is still one ${name}. */
export interface ${name} {
  readonly id: string;
  readonly email: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly cents: number }[];
}

function total${name}({ lines }: ${name}): number {
  return lines.reduce((sum, { quantity, cents }) => sum + quantity * cents, 0);
}

export async function charge${name}(order: ${name}): Promise<{ readonly chargeId: string }> {
  "use step";
  const response = await fetch(\`\${endpoint}/charges\`, { method: "POST", body: JSON.stringify({ id: order.id, cents: total${name}(order) }) });
  if (!response.ok) throw new Error(\`The provider answered \${response.status}.\`);
  return (await response.json()) as { chargeId: string };
}

export const ship${name} = async (order: ${name}, options: { readonly express?: boolean } = {}): Promise<string> => {
  "use step";
  for (const { sku, quantity } of order.lines) {
    if (quantity < 1) throw new RangeError(\`\${sku}: \${quantity}\`);
  }
  const response = await fetch(\`\${endpoint}/parcels\`, { method: "POST", body: JSON.stringify({ order, express: options.express ?? false }) });
  return response.text();
};

export async function fulfil${name}(order: ${name}) {
  "use workflow";
  const cents = total${name}(order);
  async function note(text: string) {
    "use step";
    console.log(order.id, cents, text);
  }
  const { chargeId } = await charge${name}(order);
  try {
    const parcel = await ship${name}(order, { express: cents >= limit });
    await note(parcel);
    return { outcome: "shipped", chargeId, parcel } as const;
  } catch (error) {
    await note(error instanceof Error ? error.message : String(error));
    return { outcome: "failed", chargeId } as const;
  }
}
`;
