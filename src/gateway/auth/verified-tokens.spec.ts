import { FakeClock } from '../../../test/support/fake-clock.js';
import { VerifiedTokens } from './verified-tokens.js';

const MINUTE = 60_000;
const caller = { owner: 'ann', isAdmin: false, scopes: [] };

describe('verified tokens', () => {
  it('are remembered', () => {
    const clock = new FakeClock();
    const tokens = new VerifiedTokens(clock);
    tokens.add('t', { caller, expiresAtMs: clock.nowMs() + MINUTE });
    expect(tokens.find('t')).toBe(caller);
    expect(tokens.find('u')).toBeUndefined();
  });

  it('are forgotten at the moment they end', async () => {
    const clock = new FakeClock();
    const tokens = new VerifiedTokens(clock);
    tokens.add('t', { caller, expiresAtMs: clock.nowMs() + MINUTE });
    await clock.advance(MINUTE - 1);
    expect(tokens.find('t')).toBe(caller);
    await clock.advance(1);
    expect(tokens.find('t')).toBeUndefined();
  });

  it('are checked again after five minutes, so that a key that was withdrawn is noticed', async () => {
    const clock = new FakeClock();
    const tokens = new VerifiedTokens(clock);
    tokens.add('t', { caller, expiresAtMs: clock.nowMs() + 60 * MINUTE });
    await clock.advance(5 * MINUTE);
    expect(tokens.find('t')).toBeUndefined();
  });

  it('are forgotten at once when they are told to be', () => {
    const clock = new FakeClock();
    const tokens = new VerifiedTokens(clock);
    tokens.add('t', { caller, expiresAtMs: clock.nowMs() + MINUTE });
    tokens.forget();
    expect(tokens.find('t')).toBeUndefined();
  });

  it('are bounded; the one not used for longest goes', () => {
    const clock = new FakeClock();
    const tokens = new VerifiedTokens(clock, 2);
    const identity = { caller, expiresAtMs: clock.nowMs() + MINUTE };
    tokens.add('a', identity);
    tokens.add('b', identity);
    tokens.find('a');
    tokens.add('c', identity);
    expect(tokens.size).toBe(2);
    expect(tokens.find('b')).toBeUndefined();
    expect(tokens.find('a')).toBe(caller);
  });
});
