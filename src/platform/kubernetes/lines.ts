import { KubernetesError } from './kubernetes-errors.js';

/** The reason of an error when the server was reached and what it sent makes no sense. */
export const UNREADABLE = 'Unreadable';
/** etcd takes objects of 1.5 MiB and JSON makes more of them; what is far beyond that is no object. */
const LONGEST_LINE_BYTES = 32 * 2 ** 20;
const NEWLINE = 10;

/** The lines of a stream, however it was cut into pieces; empty ones and an unfinished last one are left out. */
export async function* linesOf(
  bytes: AsyncIterable<Uint8Array>,
  longestBytes = LONGEST_LINE_BYTES,
): AsyncGenerator<string, void, undefined> {
  let begun: Uint8Array[] = [];
  let begunBytes = 0;
  for await (const piece of bytes) {
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...begun, piece.subarray(from, end)])
        .toString('utf8')
        .trim();
      [begun, begunBytes, from] = [[], 0, end + 1];
      if (line !== '') yield line;
    }
    if (from === piece.length) continue;
    begun.push(piece.subarray(from));
    begunBytes += piece.length - from;
    if (begunBytes > longestBytes)
      throw new KubernetesError(`A line of the stream has more than ${longestBytes} bytes.`, { reason: UNREADABLE });
  }
}
