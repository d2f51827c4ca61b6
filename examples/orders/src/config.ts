/** All settings of the service; the one file that reads the environment. `PERDURE_WORLD`, where runs are stored, is read by Perdure. */
export const config = {
  /** `PORT`: 0 takes any free one. */
  port: numberOf("PORT", 3000),
  /** `ORDERS_LEDGERS`: the folder of the ledgers. */
  ledgers: process.env.ORDERS_LEDGERS ?? "./ledgers",
  /** `PAYMENT_FAILURE_RATE`: how often the payment provider fails to answer, from 0 to 1. */
  paymentFailureRate: numberOf("PAYMENT_FAILURE_RATE", 0.4),
};

function numberOf(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`${name} is "${process.env[name]}"; it must be a number, 0 or more.`);
}
