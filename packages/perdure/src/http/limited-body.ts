/**
 * Reads a body of at most `most` bytes; null if it has more. No more than that is held in memory, whatever the client says of the length, and the rest of a body that is too large is
 * not read.
 */
export async function readLimited(request: Request, most: number): Promise<Uint8Array<ArrayBuffer> | null> {
  if (Number(request.headers.get("content-length") ?? 0) > most) {
    await request.body?.cancel();
    return null;
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    length += read.value.byteLength;
    if (length > most) {
      await reader?.cancel();
      return null;
    }
    pieces.push(read.value);
  }
  const body = new Uint8Array(length);
  let position = 0;
  for (const piece of pieces) {
    body.set(piece, position);
    position += piece.byteLength;
  }
  return body;
}
