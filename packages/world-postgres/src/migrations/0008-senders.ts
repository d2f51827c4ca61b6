/** Version 8: who sent a message, so that a sender whose answer was lost tells its own message from one that came before. Null: nobody who would ask. */
export const senders = `
ALTER TABLE @messages ADD COLUMN sender int8;
`;
