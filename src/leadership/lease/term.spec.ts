import { once } from 'node:events';

import { Clock, type Timer } from '../../platform/clock.js';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { Term } from './term.js';

/** The process was stopped: time has passed, and no timer has run yet. */
class SleptClock extends Clock {
  sleptMs = 0;
  nowMs = (): number => this.sleptMs;
  monotonicMs = (): number => this.sleptMs;
  after = (): Timer => ({ cancel: () => undefined });
}

describe('a term', () => {
  it('ends by itself, and says so to who listens', async () => {
    const clock = new FakeClock();
    const term = new Term(clock, 1_000);
    const heard = once(term.signal, 'abort');
    await clock.advance(999);
    expect([term.isOver(), term.signal.aborted]).toEqual([false, false]);
    await clock.advance(1);
    await heard;
    expect([term.isOver(), term.signal.aborted, clock.pendingTimers]).toEqual([true, true, 0]);
  });

  it('lasts longer when it is prolonged in time, and leaves one timer', async () => {
    const clock = new FakeClock();
    const term = new Term(clock, 1_000);
    await clock.advance(999);
    term.prolong(2_000);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1_000);
    expect(term.isOver()).toBe(false);
    await clock.advance(1);
    expect(term.isOver()).toBe(true);
  });

  it('is not brought back when it is over', () => {
    const clock = new SleptClock();
    const term = new Term(clock, 1_000);
    clock.sleptMs = 1_000;
    term.prolong(5_000);
    expect([term.isOver(), term.signal.aborted]).toEqual([true, true]);
  });

  it('calls its tasks off without being over', () => {
    const clock = new FakeClock();
    const term = new Term(clock, 1_000);
    term.callOff();
    expect([term.signal.aborted, term.isOver()]).toEqual([true, false]);
    term.end();
    expect([term.isOver(), clock.pendingTimers]).toEqual([true, 0]);
  });

  describe('that passed while the process was stopped', () => {
    const asked: [string, (signal: AbortSignal) => unknown][] = [
      ['whether it has fired', (signal) => signal.aborted],
      [
        'to throw if it has',
        (signal) => {
          try {
            return signal.throwIfAborted();
          } catch {
            return true;
          }
        },
      ],
      ['as one of several', (signal) => AbortSignal.any([signal, new AbortController().signal]).aborted],
    ];
    it.each(asked)('is over for who asks its signal %s before any timer has run', (_name, ask) => {
      const clock = new SleptClock();
      const { signal } = new Term(clock, 1_000);
      expect(ask(signal)).not.toBe(true);
      clock.sleptMs = 60_000;
      expect(ask(signal)).toBe(true);
    });

    it('is over for all who listen as soon as one of them has asked', () => {
      const clock = new SleptClock();
      const { signal } = new Term(clock, 1_000);
      const derived = AbortSignal.any([signal]);
      let heard = 0;
      signal.addEventListener('abort', () => heard++);
      clock.sleptMs = 60_000;
      expect(signal.aborted).toBe(true);
      expect([heard, derived.aborted]).toEqual([1, true]);
    });
  });
});
