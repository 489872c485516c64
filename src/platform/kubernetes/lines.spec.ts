import { linesOf } from './lines.js';

async function* pieces(...texts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await Promise.resolve();
    yield typeof text === 'string' ? Buffer.from(text) : text;
  }
}

const read = async (bytes: AsyncIterable<Uint8Array>, longest?: number): Promise<string[]> => {
  const lines: string[] = [];
  for await (const line of linesOf(bytes, longest)) lines.push(line);
  return lines;
};

describe('the lines of a stream', () => {
  it('come one by one, whether many are in one piece or one is in many', async () => {
    expect(await read(pieces('a\nb\n', 'c', 'd', 'e\nf', '\n'))).toEqual(['a', 'b', 'cde', 'f']);
  });

  it('are the same wherever the bytes of a letter were parted', async () => {
    const bytes = Buffer.from('{"name":"Zoë 🦀"}\n');
    for (let at = 0; at <= bytes.length; at++) {
      expect(await read(pieces(bytes.subarray(0, at), bytes.subarray(at)))).toEqual(['{"name":"Zoë 🦀"}']);
    }
  });

  it('leave out what is empty and what was not finished', async () => {
    expect(await read(pieces('\n\r\n  \na\r\n{"unfin'))).toEqual(['a']);
  });

  it('may be megabytes long, in small pieces', async () => {
    const piece = 'x'.repeat(16_384);
    const lines = await read(pieces(...Array<string>(256).fill(piece), '\n'));
    expect(lines.map(({ length }) => length)).toEqual([256 * 16_384]);
  });

  it('are refused when they are far too long, before all of it is held', async () => {
    let handedOut = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        await Promise.resolve();
        handedOut++;
        yield Buffer.alloc(100, 'x');
      }
    }
    await expect(read(endless(), 1_000)).rejects.toMatchObject({ reason: 'Unreadable' });
    expect(handedOut).toBeLessThanOrEqual(11);
  });
});
