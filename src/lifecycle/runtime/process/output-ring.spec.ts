import { OutputRing } from './output-ring.js';

const KIB = 1024;

describe('the kept output of a pod', () => {
  let ring: OutputRing;
  beforeEach(() => {
    ring = new OutputRing();
  });

  const never = new AbortController().signal;

  async function text(options: { tailLines?: number } = {}): Promise<string> {
    const pieces: Uint8Array[] = [];
    for await (const piece of ring.read({ follow: false, signal: never, ...options })) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  function print(words: string): void {
    ring.append(Buffer.from(words));
  }

  it('is what was printed, however it was cut', async () => {
    for (const words of ['one\ntw', 'o\n', '', 'thr', 'ee']) print(words);
    expect(await text()).toBe('one\ntwo\nthree');
  });

  it.each([
    ['a\nb\nc\n', 1, 'c\n'],
    ['a\nb\nc\n', 2, 'b\nc\n'],
    ['a\nb\nc', 2, 'b\nc'],
    ['a\nb\nc\n', 3, 'a\nb\nc\n'],
    ['a\nb\nc\n', 9, 'a\nb\nc\n'],
    ['a\n\n\n', 2, '\n\n'],
    ['a\n', 0, ''],
    ['', 3, ''],
  ])('%j ends with its last lines (%d): %j', async (printed, tailLines, expected) => {
    print(printed);
    expect(await text({ tailLines })).toBe(expected);
  });

  it('keeps at least the last 256 KiB and never more than 320, from the beginning of a line', async () => {
    const line = `${'x'.repeat(99)}\n`;
    for (let n = 0; n < 20_000; n++) print(line);
    const kept = await text();
    expect(kept.length).toBeGreaterThan(256 * KIB - 100);
    expect(kept.length).toBeLessThanOrEqual(320 * KIB);
    expect(kept === line.repeat(kept.length / 100)).toBe(true);
  });

  it('keeps the end of one chunk that is larger than all it keeps', async () => {
    print('before\n');
    print(`${'y'.repeat(1_000 * KIB)}end`);
    const kept = await text();
    expect(kept).toHaveLength(256 * KIB);
    expect(kept.replace(/y+/, 'y')).toBe('yend');
  });

  it('cuts a line that has no end rather than losing all of it', async () => {
    for (let n = 0; n < 400; n++) print('z'.repeat(KIB));
    print('\nend\n');
    const kept = await text();
    expect(kept.length).toBeGreaterThan(255 * KIB);
    expect(kept.replace(/z+/, 'z')).toBe('z\nend\n');
  });

  it('gives a follower what comes, until the output is over', async () => {
    print('one\n');
    const follower = ring.read({ follow: true, signal: never });
    expect(Buffer.from((await follower.next()).value as Uint8Array).toString()).toBe('one\n');
    const next = follower.next();
    print('two\n');
    expect(Buffer.from((await next).value as Uint8Array).toString()).toBe('two\n');
    print('three\n');
    ring.end();
    expect(Buffer.from((await follower.next()).value as Uint8Array).toString()).toBe('three\n');
    expect(await follower.next()).toMatchObject({ done: true });
  });

  it('ends for a follower who leaves while nothing comes', async () => {
    const leaving = new AbortController();
    const follower = ring.read({ follow: true, signal: leaving.signal });
    const next = follower.next();
    leaving.abort();
    expect(await next).toMatchObject({ done: true });
  });

  it('tells a follower who was too slow how much is lost, and goes on from there', async () => {
    print('one\n');
    const follower = ring.read({ follow: true, signal: never });
    await follower.next();
    for (let n = 0; n < 5_000; n++) print(`${'x'.repeat(99)}\n`);
    const notice = Buffer.from((await follower.next()).value as Uint8Array).toString();
    const lost = Number(/^\[berth: (\d+) bytes/.exec(notice)?.[1]);
    const kept = await text();
    expect(lost).toBe(500_000 - kept.length);
    const first = Buffer.from((await follower.next()).value as Uint8Array).toString();
    expect(kept.startsWith(first)).toBe(true);
  });

  it('tells its last lines, shortened from the front', () => {
    print('one\ntwo\nthree\n');
    expect(ring.lastLines(2)).toBe('two\nthree');
    print('w'.repeat(5_000));
    expect(ring.lastLines(2)).toBe('w'.repeat(2_048));
  });
});
