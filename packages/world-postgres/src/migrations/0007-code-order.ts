/** Version 7: when a bundle was stored, so that versions of a workflow have an order. Those that are there have none among themselves, and are older than all that come. */
export const codeOrder = `
ALTER TABLE @code ADD COLUMN stored_at int8 NOT NULL DEFAULT 0;
`;
