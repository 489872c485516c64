import {
  calmBeforeReapingMs,
  dueAtMs,
  expiresAtMs,
  failedBackOffMs,
  healBackOffMs,
  idleAtMs,
  isExpired,
  isSteady,
  reapReason,
  touchWindowMs,
} from './deadlines.js';
import { session } from '../../test/support/sessions.js';

describe('the deadlines of a session', () => {
  it.each([
    [600_000, 5_000],
    [20_000, 5_000],
    [2_000, 500],
    [1_000, 250],
  ])('with an idle time-out of %i ms a touch is good for %i ms', (idleTimeoutMs, windowMs) => {
    expect(touchWindowMs({ idleTimeoutMs })).toBe(windowMs);
  });

  it('make it idle when its time-out has passed since its last use', () => {
    const used = session({ lastUsedAtMs: 1_000 });
    expect(idleAtMs(used)).toBe(601_000);
    expect(reapReason(used, 600_999)).toBeUndefined();
    expect(reapReason(used, 601_000)).toBe('idle');
  });

  it('keep a failed session readable for its idle time-out after it failed', () => {
    const failed = session({ state: 'failed', lastFailure: { reason: 'r', message: 'm', atMs: 5_000 } });
    expect(reapReason(failed, 604_999)).toBeUndefined();
    expect(reapReason(failed, 605_000)).toBe('idle');
  });

  it('count the lifetime from the opening, whatever its use', () => {
    const old = session({ maxLifetimeMs: 60_000, openedAtMs: 1_000, lastUsedAtMs: 60_999 });
    expect(expiresAtMs(old)).toBe(61_000);
    expect(reapReason(old, 60_999)).toBeUndefined();
    expect(reapReason(old, 61_000)).toBe('lifetime');
    expect(isExpired(session(), Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  it('leave a session that has just become ready alone for a moment, however long its start took', () => {
    const late = session({ readyAtMs: 900_000, lastUsedAtMs: 1_000, maxLifetimeMs: 60_000 });
    expect(reapReason(late, 900_999)).toBeUndefined();
    expect(reapReason(late, 901_000)).toBe('lifetime');
    expect(idleAtMs(late)).toBe(901_000);
  });

  it.each([
    [session({ state: 'creating', startDeadlineAtMs: 7 }), 7],
    [session({ lastUsedAtMs: 5, maxLifetimeMs: 10, openedAtMs: 1 }), 11],
    [session({ lastUsedAtMs: 5, idleTimeoutMs: 3, maxLifetimeMs: 10 }), 8],
    [session({ state: 'failed', lastUsedAtMs: 5 }), 600_005],
    [session({ state: 'ended', lastUsedAtMs: 5 }), 5],
    [session({ state: 'ended', forgetAtMs: 9 }), undefined],
  ])('say when to look again: case %#', (of, atMs) => {
    expect(dueAtMs(of)).toBe(atMs);
  });

  it('let heals follow each other after 0, 1, 2, 4 … 60 s', () => {
    expect([0, 1, 2, 3, 6, 7, 50].map(healBackOffMs)).toEqual([0, 1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
  });

  it('let a failed session try again after 10 s doubling to 60 s', () => {
    expect([0, 1, 2, 3, 50].map(failedBackOffMs)).toEqual([10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it('take a session for steady after 60 s of Ready', () => {
    expect(isSteady(session({ readyAtMs: 0 }), 59_999)).toBe(false);
    expect(isSteady(session({ readyAtMs: 0 }), 60_000)).toBe(true);
    expect(isSteady(session({ state: 'creating', readyAtMs: 0 }), 60_000)).toBe(false);
  });

  it('let the leader reap only after three heartbeats and 2 s of calm', () => {
    expect(calmBeforeReapingMs({ idleTimeoutMs: 600_000 })).toBe(17_000);
    expect(calmBeforeReapingMs({ idleTimeoutMs: 2_000 })).toBe(3_500);
  });
});
