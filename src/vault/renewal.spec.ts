import { aboutMs, isNearItsMaximum, renewAfterMs, retryAfterMs } from './renewal.js';

const HOUR = 3_600_000;

describe('a renewal', () => {
  it.each([0, 0.3, 0.999])('comes at two thirds of a life, or up to a tenth of it before (chance %d)', (fraction) => {
    const afterMs = renewAfterMs(HOUR, fraction);
    expect(afterMs).toBeLessThanOrEqual((HOUR * 2) / 3);
    expect(afterMs).toBeGreaterThan(HOUR * (2 / 3 - 0.1));
  });

  it('of a life that is as good as over is no loop', () => {
    expect(renewAfterMs(0, 0)).toBeGreaterThanOrEqual(500);
  });

  it('that gives less than half of the first life says that the maximum is near', () => {
    expect(isNearItsMaximum(4_000, 10_000)).toBe(true);
    expect(isNearItsMaximum(9_000, 10_000)).toBe(false);
  });
});

describe('a retry', () => {
  it('comes later each time, up to half a minute, and never all at the same moment', () => {
    const latest = [1, 2, 3, 4].map((failures) => retryAfterMs(failures, 1));
    expect(latest).toEqual([500, 1_000, 2_000, 4_000]);
    expect(retryAfterMs(1, 0)).toBe(250);
    for (const failures of [7, 8, 1_000]) expect(retryAfterMs(failures, 1)).toBe(30_000);
  });
});

it('about a time is a tenth more or less at most', () => {
  expect([aboutMs(1_000, 0), aboutMs(1_000, 0.5), aboutMs(1_000, 1)]).toEqual([900, 1_000, 1_100]);
});
