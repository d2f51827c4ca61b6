/** Version 3: finished runs in the order in which they ended, for retention. Runs end in about that order, so that the index grows at its end. */
export const retention = `
CREATE INDEX runs_ended ON @runs (status, ended_at) WHERE ended_at IS NOT NULL;
`;
