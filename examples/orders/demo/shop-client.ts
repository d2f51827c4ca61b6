import type { Decision } from "../src/approval.ts";
import type { Fulfilment } from "../src/fulfil-order.ts";
import type { Order } from "../src/order.ts";

/** What `GET /orders` says of an order. */
export interface ListedOrder {
  readonly id: string;
  readonly status: "running" | "completed" | "failed" | "cancelled";
  readonly note: string | null;
}

/** What `GET /orders/:id` says of one that has ended. */
export interface OrderEnd {
  readonly result?: Fulfilment;
  readonly error?: string;
}

/** The shop over HTTP. Every call answers with null when the shop does not. */
export interface ShopClient {
  submit(order: Order): Promise<number | null>;
  decide(orderId: string, decision: Decision): Promise<number | null>;
  list(): Promise<ListedOrder[] | null>;
  find(orderId: string): Promise<OrderEnd | null>;
}

/** @param urlNow where the shop is now */
export function createShopClient(urlNow: () => string): ShopClient {
  async function call(path: string, body?: unknown): Promise<Response | null> {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    return fetch(urlNow() + path, { ...init, signal: AbortSignal.timeout(5000) }).catch(() => null);
  }
  async function read<T>(path: string): Promise<T | null> {
    const response = await call(path);
    return response?.ok ? ((await response.json().catch(() => null)) as T | null) : null;
  }
  return {
    submit: async (order) => (await call("/orders", order))?.status ?? null,
    decide: async (orderId, decision) => (await call(`/orders/${orderId}/approval`, decision))?.status ?? null,
    list: async () => (await read<{ orders: ListedOrder[] }>("/orders"))?.orders ?? null,
    find: (orderId) => read<OrderEnd>(`/orders/${orderId}`),
  };
}
