import type { Duplex } from 'node:stream';

/**
 * Destroys the socket when its other end has gone while we make it wait: a socket that nobody reads never tells. What
 * has arrived stays where it is. Returns how to stop.
 */
export function hearHangUp(socket: Duplex): () => void {
  const peek = (): void => {
    if (socket.readableLength === 0) socket.read(); // nothing to take, but the end is noticed
  };
  const gone = (): void => void socket.destroy();
  socket.on('readable', peek).once('end', gone);
  return () => void socket.off('readable', peek).off('end', gone);
}
