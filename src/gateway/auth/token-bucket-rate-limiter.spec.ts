import { FakeClock } from '../../../test/support/fake-clock.js';
import type { GatewayError } from '../problem.js';
import { TokenBucketRateLimiter } from './token-bucket-rate-limiter.js';

function setUp(perSecond: number) {
  const clock = new FakeClock();
  return { clock, limiter: new TokenBucketRateLimiter(perSecond, clock) };
}

/** How long a refused one is to wait; 0 for one that passed. */
function waitMs(limiter: TokenBucketRateLimiter, owner = 'ann'): number {
  try {
    limiter.pass(owner);
    return 0;
  } catch (error) {
    expect(error).toMatchObject({ code: 'RATE_LIMITED' });
    return (error as GatewayError).facts.retryAfterMs ?? 0;
  }
}

function passed(limiter: TokenBucketRateLimiter, calls: number): number {
  return Array.from({ length: calls }, () => waitMs(limiter)).filter((ms) => ms === 0).length;
}

describe('the rate limiter', () => {
  it('lets a second’s worth through at once and then refuses', () => {
    expect(passed(setUp(5).limiter, 20)).toBe(5);
  });

  it('says after which time a request will pass, and then it does', async () => {
    const { clock, limiter } = setUp(4);
    passed(limiter, 4);
    const ms = waitMs(limiter);
    expect(ms).toBeCloseTo(250);
    await clock.advance(ms - 1);
    expect(waitMs(limiter)).toBeGreaterThan(0);
    await clock.advance(1);
    expect(waitMs(limiter)).toBe(0);
  });

  it('lets the rate through over a long time, whatever is asked', async () => {
    const { clock, limiter } = setUp(10);
    let all = 0;
    for (let tick = 0; tick < 1_000; tick++) {
      all += passed(limiter, 2);
      await clock.advance(10);
    }
    expect(all).toBeGreaterThanOrEqual(100);
    expect(all).toBeLessThanOrEqual(110);
  });

  it('counts each owner alone', () => {
    const { limiter } = setUp(1);
    expect(waitMs(limiter, 'ann')).toBe(0);
    expect(waitMs(limiter, 'bob')).toBe(0);
    expect(waitMs(limiter, 'ann')).toBeGreaterThan(0);
  });

  it('limits nothing at 0', () => {
    const { limiter } = setUp(0);
    expect(passed(limiter, 10_000)).toBe(10_000);
    expect(limiter.size).toBe(0);
  });

  it('remembers nobody whose bucket is full again', async () => {
    const { clock, limiter } = setUp(5);
    for (let i = 0; i < 1_000; i++) limiter.pass(`owner-${i}`);
    await clock.advance(1_000);
    limiter.pass('ann');
    expect(limiter.size).toBe(1);
  });
});
