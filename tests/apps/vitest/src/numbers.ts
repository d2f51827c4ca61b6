export async function double(n: number) {
  "use step";
  return n * 2;
}
