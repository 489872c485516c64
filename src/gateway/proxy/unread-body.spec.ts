import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';

import { FakeClock } from '../../../test/support/fake-clock.js';
import type { HttpExchange } from './exchange.js';
import { discardRest, survivesUnread, MOST_BYTES } from './unread-body.js';

const MiB = 1_024 * 1_024;

function discarding() {
  const body = new PassThrough();
  const clock = new FakeClock();
  const outcomes: boolean[] = [];
  let released = 0;
  const exchange = { req: body, releaseBody: () => void (released += 1) } as unknown as HttpExchange;
  discardRest(exchange, clock, (isClean) => outcomes.push(isClean));
  return { body, clock, outcomes, released: () => released };
}

describe('what is left of a body after the answer', () => {
  it('is read to its end, by nobody else any more', async () => {
    const { body, clock, outcomes, released } = discarding();
    body.end(Buffer.alloc(1_000));
    await clock.advance(0);
    expect([outcomes, released(), clock.pendingTimers]).toEqual([[true], 1, 0]);
  });

  it('is read up to a bound', async () => {
    const { body, clock, outcomes } = discarding();
    const piece = Buffer.alloc(8 * MiB);
    for (let sent = 0; sent < 1.5 * MOST_BYTES && outcomes.length === 0; sent += piece.length) {
      body.write(piece);
      await clock.advance(0);
    }
    expect([outcomes, clock.pendingTimers]).toEqual([[false], 0]);
  });

  it('is waited for no longer than two seconds', async () => {
    const { body, clock, outcomes } = discarding();
    body.write('a little');
    await clock.advance(1_999);
    expect(outcomes).toEqual([]);
    await clock.advance(1);
    expect(outcomes).toEqual([false]);
  });

  it('is over when the client leaves', async () => {
    const { body, clock, outcomes } = discarding();
    body.destroy();
    await clock.advance(0);
    expect([outcomes, clock.pendingTimers]).toEqual([[false], 0]);
  });
});

it.each([
  [{ complete: true, headers: { 'content-length': '99999999' } }, true],
  [{ complete: false, headers: { 'content-length': '1000' } }, true],
  [{ complete: false, headers: { 'content-length': '99999999' } }, false],
  [{ complete: false, headers: { 'transfer-encoding': 'chunked' } }, false],
])('a connection with the request %j is kept: %s', (req, expected) => {
  expect(survivesUnread(req as unknown as IncomingMessage)).toBe(expected);
});
