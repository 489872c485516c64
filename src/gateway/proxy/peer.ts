import type { Duplex } from 'node:stream';

const MAPPED_IPV4 = '::ffff:';

/** The other end of a connection as the pod is told. */
export function peerOf(socket: Duplex): { peer: string | undefined; isEncrypted: boolean } {
  const { remoteAddress, encrypted } = socket as { remoteAddress?: string; encrypted?: boolean };
  const isMapped = remoteAddress?.startsWith(MAPPED_IPV4) ?? false;
  const peer = isMapped ? remoteAddress?.slice(MAPPED_IPV4.length) : remoteAddress;
  return { peer, isEncrypted: encrypted === true };
}
