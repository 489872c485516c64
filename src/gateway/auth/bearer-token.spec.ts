import { bearerTokenOf } from './bearer-token.js';

const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };

describe('the token of a request', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['BEARER   abc ', 'abc'],
  ])('is taken from the header %j', (authorization, token) => {
    expect(bearerTokenOf({ headers: { authorization } })).toBe(token);
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Basic abc', 'abc', 'Bearerabc'])(
    'is none in the header %j',
    (header) => {
      expect(bearerTokenOf({ headers: { authorization: header } })).toBeUndefined();
    },
  );

  it('is taken from the subprotocols of a WebSocket', () => {
    const headers = { ...upgrade, 'sec-websocket-protocol': 'chat, berth.bearer.a.b.c , other' };
    expect(bearerTokenOf({ headers })).toBe('a.b.c');
  });

  it('is taken from the header first where both carry one', () => {
    const headers = { ...upgrade, authorization: 'Bearer x', 'sec-websocket-protocol': 'berth.bearer.y' };
    expect(bearerTokenOf({ headers })).toBe('x');
  });

  it('is not taken from a subprotocol where nothing is upgraded', () => {
    const headers = { 'sec-websocket-protocol': 'berth.bearer.a.b.c' };
    expect(bearerTokenOf({ headers })).toBeUndefined();
    expect(bearerTokenOf({ headers: { ...headers, upgrade: 'h2c' } })).toBeUndefined();
  });

  it('is not an empty subprotocol', () => {
    expect(bearerTokenOf({ headers: { ...upgrade, 'sec-websocket-protocol': 'berth.bearer.' } })).toBeUndefined();
  });
});

/**
 * passport-jwt's extractor matches /(\S+)\s+(\S+)/, which for a long header without a space tries every start and
 * every length: 16 KiB took 0.2 s of CPU, and anybody may send them. 64 times as much is read here in far less.
 */
it('is looked for in time that grows with the header and not with its square', () => {
  const startedAt = performance.now();
  expect(bearerTokenOf({ headers: { authorization: 'a'.repeat(1_000_000) } })).toBeUndefined();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
