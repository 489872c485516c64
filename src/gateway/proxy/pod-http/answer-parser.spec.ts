import fc from 'fast-check';

import { AnswerFault } from './answer-head.js';
import { AnswerParser } from './answer-parser.js';

/** What a parser told, and when it was held. */
class Told {
  readonly all: unknown[] = [];
  isHeld = false;
  holdsAfterPieces = false;

  onHead({ status, reason, fields, length, isLast }: object & Record<string, unknown>): void {
    this.all.push({ status, reason, fields, length, isLast });
  }
  onPiece(piece: Buffer): void {
    const last = this.all.at(-1);
    if (typeof last === 'string') this.all[this.all.length - 1] = last + piece.toString('latin1');
    else this.all.push(piece.toString('latin1'));
    this.isHeld = this.holdsAfterPieces;
  }
  onEnd(trailers: unknown): void {
    this.all.push({ trailers });
  }
}

function tell(pieces: readonly Buffer[], { isToHead = false, holds = false } = {}): unknown[] {
  const told = new Told();
  told.holdsAfterPieces = holds;
  const parser = new AnswerParser(told as never);
  parser.expect(isToHead);
  let rest: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    rest = Buffer.concat([rest, piece]);
    for (;;) {
      const taken = parser.read(rest);
      rest = rest.subarray(taken);
      if (!told.isHeld) break;
      told.isHeld = false;
    }
  }
  return [...told.all, { left: rest.toString('latin1'), isOver: parser.isOver }];
}

const name = fc.stringMatching(/^x-[a-z]{1,8}$/);
const value = fc.stringMatching(/^[!-~](?:[ -~]{0,20}[!-~])?$/);
const fields = fc.array(fc.tuple(name, value), { maxLength: 5 });
const body = fc.string({ maxLength: 200, unit: 'binary-ascii' });
const chunks = fc.array(fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }), { maxLength: 5 });
const text = (lines: [string, string][]): string => lines.map(([of, is]) => `${of}: ${is}\r\n`).join('');

const withLength = fc.record({ fields, body }).map(({ fields: given, body: whole }) => ({
  said: `HTTP/1.1 200 OK\r\n${text(given)}Content-Length: ${whole.length}\r\n\r\n${whole}`,
  body: whole,
  fields: [...given.flat(), 'content-length', String(whole.length)],
  trailers: [] as string[],
}));
const inChunks = fc.record({ fields, chunks, trailers: fields }).map((given) => ({
  said:
    `HTTP/1.1 200 OK\r\n${text(given.fields)}Transfer-Encoding: chunked\r\n\r\n` +
    given.chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('') +
    `0\r\n${text(given.trailers)}\r\n`,
  body: given.chunks.join(''),
  fields: [...given.fields.flat(), 'transfer-encoding', 'chunked'],
  trailers: given.trailers.flat(),
}));

function split(said: string, cuts: readonly number[]): Buffer[] {
  const bytes = Buffer.from(said, 'latin1');
  const at = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

it('reads the same of an answer however it is cut into pieces, and leaves what comes after', () => {
  const cuts = fc.array(fc.nat({ max: 10_000 }), { maxLength: 20 });
  fc.assert(
    fc.property(fc.oneof(withLength, inChunks), cuts, fc.boolean(), (answer, at, holds) => {
      const [head, ...others] = tell(split(`${answer.said}HTTP/1.1 999 More`, at), { holds });
      expect(head).toMatchObject({ status: 200, reason: 'OK', fields: answer.fields, isLast: false });
      const end = [{ trailers: answer.trailers }, { left: 'HTTP/1.1 999 More', isOver: true }];
      expect(others).toEqual(answer.body === '' ? end : [answer.body, ...end]);
    }),
    { numRuns: 300 },
  );
});

it('reads no body after the head of an answer to HEAD', () => {
  const said = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';
  expect(tell([Buffer.from(`${said}whole`)], { isToHead: true }).slice(1)).toEqual([
    { trailers: [] },
    { left: 'whole', isOver: true },
  ]);
});

it('takes no time that grows faster than what it reads', () => {
  const spaces = ' '.repeat(15_000);
  const hostile = [`HTTP/1.1 200 OK\r\nX-A:${spaces}\x01\r\n\r\n`, `HTTP/1.1 200 ${spaces}\x01\r\n\r\n`];
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  hostile.push(
    `${chunked}1${' \t'.repeat(2_000)}\r\n`,
    `HTTP/1.1 200 OK\r\nConnection:${' ,'.repeat(7_000)}x\x01\r\n\r\n`,
  );
  const startedMs = performance.now();
  for (const said of hostile) expect(() => tell([Buffer.from(said, 'latin1')])).toThrow(AnswerFault);
  const close = `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: ${' \t'.repeat(7_000)}x\r\n\r\n`;
  expect(tell([Buffer.from(close)])[0]).toMatchObject({ isLast: false });
  expect(performance.now() - startedMs).toBeLessThan(5_000); // a quadratic one takes minutes
});
