import fs from 'node:fs';

import { eventually } from '../../test/support/eventually.js';
import { LogSink } from './log-sink.js';

type Written = (error: NodeJS.ErrnoException | null, bytes: number) => void;

describe('the sink of the log', () => {
  /** What was handed to the kernel, and how it answers. */
  const asked: { bytes: Buffer; answer: Written }[] = [];
  beforeEach(() => {
    asked.length = 0;
    const write = (_fd: number, bytes: Buffer, answer: Written): void => void asked.push({ bytes, answer });
    jest.spyOn(fs, 'write').mockImplementation(write as typeof fs.write);
  });
  afterEach(() => void jest.restoreAllMocks());

  const textAt = (at: number): string => asked[at]!.bytes.toString();
  const taken = (at: number): void => asked[at]!.answer(null, asked[at]!.bytes.length);
  const failed = (at: number, code: string): void => asked[at]!.answer(Object.assign(new Error(code), { code }), 0);

  it('writes lines together, and what comes meanwhile afterwards', () => {
    const sink = new LogSink(1);
    sink.write('one\n');
    sink.write('two\n');
    expect(asked).toHaveLength(0);
    sink.flush();
    sink.write('x'.repeat(20_000));
    expect(asked.map(({ bytes }) => bytes.toString())).toEqual(['one\ntwo\n']);
    taken(0);
    expect(textAt(1)).toBe('x'.repeat(20_000));
  });

  it('goes on where a write ended before its end', () => {
    const sink = new LogSink(1);
    sink.write('täglich\n');
    sink.flush();
    asked[0]!.answer(null, 2);
    expect(Buffer.concat([asked[0]!.bytes.subarray(0, 2), asked[1]!.bytes]).toString()).toBe('täglich\n');
  });

  it('drops what comes when far too much waits to be written, and says then how much', () => {
    const sink = new LogSink(1);
    sink.write('first\n');
    sink.flush();
    const lines = 100;
    for (let at = 0; at < lines; at += 1) sink.write(`${'x'.repeat(200_000)}\n`);
    taken(0);
    sink.write('last\n');
    sink.flush();
    for (let at = 1; at < asked.length; at += 1) taken(at);
    const texts = asked.slice(1).map(({ bytes }) => bytes.toString());
    const kept = texts.filter((text) => text.startsWith('x')).length;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(lines / 2);
    const [told, last] = texts.at(-1)!.split('\n');
    expect(JSON.parse(told!)).toMatchObject({ level: 40, event: 'log.dropped', lines: lines - kept });
    expect(last).toBe('last');
  });

  it('tries again what the other end could not take yet', async () => {
    const sink = new LogSink(1);
    sink.write('one\n');
    sink.flush();
    failed(0, 'EAGAIN');
    await eventually(() => expect(asked).toHaveLength(2));
    expect(textAt(1)).toBe('one\n');
  });

  it('is closed once all is written, or cannot be', async () => {
    const [written, broken] = [new LogSink(1), new LogSink(1)];
    for (const sink of [written, broken]) sink.write('one\n');
    const closed = Promise.all([written.close(), broken.close()]);
    taken(0);
    failed(1, 'EPIPE');
    await closed;
    for (const sink of [written, broken]) sink.write('late\n');
    written.flush();
    expect(asked).toHaveLength(2);
  });
});
