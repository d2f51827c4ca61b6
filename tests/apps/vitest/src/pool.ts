export let pools = 0;

export function createPool(): { query(text: string): string } {
  pools++;
  return { query: (text) => `result of ${text}` };
}
