/**
 * The client that a step's function gets: the connection itself, for the time of the transaction, which only the caller of the function begins and ends.
 *
 * Libraries that open a transaction on it get a savepoint: BEGIN, COMMIT and ROLLBACK are written anew, to any depth. A COMMIT without its BEGIN is refused.
 */

import type pg from "pg";
import { failureKind } from "../database/failure.ts";
import { TransactionError } from "./errors.ts";

export interface GuardedClient {
  readonly client: pg.PoolClient;
  /** The error of the query that failed last, or undefined. */
  failure(): unknown;
  /** Whether a query found that the connection is lost. */
  isLost(): boolean;
  /** From now on the client refuses queries. */
  end(): void;
}

type Query = (...args: unknown[]) => unknown;

/** Statements that begin or end a transaction; those about savepoints and prepared transactions are others. */
const CONTROL =
  /^\s*(?:(BEGIN|START\s+TRANSACTION)|(COMMIT|END)|ROLLBACK|ABORT)\b(?!\s+PREPARED\b)(?!\s+(?:(?:WORK|TRANSACTION)\s+)?TO\b)([^;]*;\s*\S)?/i;

/** @param raw a connected client of `pg`, or what has its `query` */
export function guardClient(raw: object): GuardedClient {
  const query = (raw as { query: Query }).query.bind(raw) as Query;
  let depth = 0;
  let failure: unknown;
  let isLost = false;
  let isOver = false;

  function rewrite(text: string): string {
    const control = CONTROL.exec(text);
    if (control === null) return text;
    const [, begins, commits, hasMore] = control;
    if (hasMore) throw endedByHand();
    if (begins) return `SAVEPOINT perdure_${++depth}`;
    if (depth === 0) throw endedByHand();
    const name = `perdure_${depth--}`;
    return commits ? `RELEASE SAVEPOINT ${name}` : `ROLLBACK TO SAVEPOINT ${name}`;
  }

  function failed(error: unknown): void {
    failure = error;
    isLost ||= isConnectionLost(error);
  }

  function guardedQuery(...args: unknown[]): unknown {
    if (isOver) return Promise.reject(over());
    try {
      if (typeof args[0] === "string") args[0] = rewrite(args[0]);
      else if (isConfig(args[0])) args[0] = { ...args[0], text: rewrite(args[0].text) };
    } catch (error) {
      return Promise.reject(error);
    }
    const last = args.at(-1);
    if (typeof last === "function") {
      args[args.length - 1] = (error: unknown, result: unknown) => {
        if (error) failed(error);
        (last as Query)(error, result);
      };
    }
    const answer = query(...args);
    if (answer instanceof Promise) answer.catch(failed);
    return answer;
  }

  const own: Readonly<Record<string, unknown>> = { query: guardedQuery, release: () => {}, end: async () => {} };
  const client = new Proxy(raw, {
    get(target, property) {
      if (typeof property === "string" && Object.hasOwn(own, property)) return own[property];
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as pg.PoolClient;
  return { client, failure: () => failure, isLost: () => isLost, end: () => void (isOver = true) };
}

/** Not the errors of Node and the driver about wrong arguments (`ERR_…`). */
function isConnectionLost(error: unknown): boolean {
  return failureKind(error) === "unknown" && !String((error as { code?: unknown }).code).includes("_");
}

/** Cursors and streams are queries with a `submit` of their own, and are handed on. */
function isConfig(query: unknown): query is { readonly text: string } {
  return typeof query === "object" && query !== null && !("submit" in query) && typeof (query as { text?: unknown }).text === "string";
}

/** The function that was to be one transaction has ended it. */
export function endedByHand(): TransactionError {
  return new TransactionError("TRANSACTION_CONTROL", "A transaction() was ended by a statement of its own function.", {
    hint: "Leave BEGIN, COMMIT and ROLLBACK out: it is committed when the function returns, and rolled back when it throws.",
  });
}

function over(): TransactionError {
  return new TransactionError("TRANSACTION_ENDED", "A query was made after the function of its transaction() had ended.", {
    hint: "Await every query in the function, and do not keep its client.",
  });
}
