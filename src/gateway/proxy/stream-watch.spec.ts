import { FakeClock } from '../../../test/support/fake-clock.js';
import { NO_SLOT } from './slots.js';
import { StreamWatch } from './stream-watch.js';

const LIMIT_MS = 1_000;

function watched(limitMs = LIMIT_MS) {
  const one = {
    socket: { bytesRead: 0, bytesWritten: 0 },
    limitMs,
    quiet: 0,
    slot: NO_SLOT,
    seenBytes: 0,
    movedAtMs: 0,
    quietLimitMs: () => one.limitMs,
    onQuiet: () => void (one.quiet += 1),
  };
  return one;
}

describe('the watch over streams', () => {
  it('tells of a stream that was silent for its limit, once, and no later than an eighth too late', async () => {
    const clock = new FakeClock();
    const watch = new StreamWatch(clock, LIMIT_MS);
    const stream = watched();
    watch.add(stream);
    await clock.advance(LIMIT_MS - 1);
    expect(stream.quiet).toBe(0);
    await clock.advance(LIMIT_MS / 8 + 1);
    expect(stream.quiet).toBe(1);
    await clock.advance(10 * LIMIT_MS);
    expect(stream.quiet).toBe(1);
  });

  it.each(['bytesRead', 'bytesWritten'] as const)('is content for ever while %s grows', async (direction) => {
    const clock = new FakeClock();
    const watch = new StreamWatch(clock, LIMIT_MS);
    const stream = watched();
    watch.add(stream);
    for (let times = 0; times < 20; times++) {
      await clock.advance(LIMIT_MS * 0.8);
      stream.socket[direction] += 1;
    }
    expect(stream.quiet).toBe(0);
  });

  it('never tells of a stream without a limit, and follows a limit that changes', async () => {
    const clock = new FakeClock();
    const watch = new StreamWatch(clock, LIMIT_MS);
    const stream = watched(0);
    watch.add(stream);
    await clock.advance(100 * LIMIT_MS);
    expect(stream.quiet).toBe(0);
    stream.limitMs = LIMIT_MS;
    await clock.advance(LIMIT_MS);
    expect(stream.quiet).toBe(1);
  });

  it('says nothing of what was removed, and sets no timer when nothing is left', async () => {
    const clock = new FakeClock();
    const watch = new StreamWatch(clock, LIMIT_MS);
    const stream = watched();
    watch.add(stream);
    watch.remove(stream);
    await clock.advance(10 * LIMIT_MS);
    expect(stream.quiet).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});
