/**
 * Cuts a connection, without a word to the other side. Where its end was said already, and is on its way, it is closed instead: Node refuses to reset it then
 * (EINVAL), does not close it either, and its own end, which waits for that, turns in a circle for ever.
 */
export function resetSocket(socket) {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
