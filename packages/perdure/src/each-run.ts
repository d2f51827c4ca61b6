import type { QueryRunsRequest, RunRecord, World } from "@perdure/world";

/** All runs of a query, page by page. */
export async function* eachRun(world: World, request: Omit<QueryRunsRequest, "cursor">): AsyncGenerator<RunRecord, void> {
  let cursor: string | undefined;
  do {
    const page = await world.query.runs({ ...request, ...(cursor !== undefined && { cursor }) });
    yield* page.runs;
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}
