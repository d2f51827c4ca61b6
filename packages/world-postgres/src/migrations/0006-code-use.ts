/** Version 6: when a bundle was last asked for, so that those which nobody needs can go. What is there has just been used, as far as anybody knows. */
export const codeUse = `
ALTER TABLE @code ADD COLUMN used_at int8 NOT NULL DEFAULT floor(extract(epoch FROM clock_timestamp()) * 1000)::int8;
ALTER TABLE @code ALTER COLUMN used_at DROP DEFAULT;
`;
