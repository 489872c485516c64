import { FakeClock } from '../../test/support/fake-clock.js';
import { FakeRandomness } from '../../test/support/fake-randomness.js';
import { Repetition } from './repetition.js';

const DAY = 24 * 3_600_000;

function setUp(outcomes: (number | Error)[], longestRetryMs?: number) {
  const clock = new FakeClock();
  const turns: number[] = [];
  const work = (): Promise<number> => {
    turns.push(clock.monotonicMs());
    const outcome = outcomes.length > 1 ? outcomes.shift()! : outcomes[0]!;
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
  };
  return {
    clock,
    turns,
    repetition: new Repetition(work, { clock, randomness: new FakeRandomness() }, longestRetryMs),
  };
}

describe('work that is repeated', () => {
  it('is done again after the pause that it asked for', async () => {
    const { clock, turns, repetition } = setUp([1_000]);
    await repetition.untilDone();
    await clock.advance(3_500);
    expect(turns).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it('is tried for ever while it fails, with pauses that grow to a cap', async () => {
    const { clock, turns, repetition } = setUp([new Error('away')]);
    void repetition.untilDone();
    await clock.advance(3_600_000);
    const pauses = turns.slice(1).map((atMs, at) => atMs - turns[at]!);
    expect(pauses[0]).toBeLessThanOrEqual(500);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000);
    expect(turns.length).toBeGreaterThan(3_600 / 30);
  });

  it('does not pause longer after a failure than it may', async () => {
    const { clock, turns, repetition } = setUp([new Error('away')], 2_000);
    void repetition.untilDone();
    await clock.advance(60_000);
    expect(turns.length).toBeGreaterThanOrEqual(30);
  });

  it('is waited for until it succeeds', async () => {
    const { clock, repetition } = setUp([new Error('away'), new Error('away'), 1_000]);
    let isDone = false;
    void repetition.untilDone().then(() => (isDone = true));
    await clock.advance(200);
    expect(isDone).toBe(false);
    await clock.advance(5_000);
    expect(isDone).toBe(true);
  });

  it('begins anew with short pauses after a success', async () => {
    const failures = Array.from({ length: 8 }, () => new Error('away'));
    const { clock, turns, repetition } = setUp([...failures, 100, new Error('away'), 1e9]);
    void repetition.untilDone();
    await clock.advance(600_000);
    expect(turns.at(-1)! - turns.at(-2)!).toBeLessThanOrEqual(500);
  });

  it('is done at once when asked, and then pauses from there', async () => {
    const { clock, turns, repetition } = setUp([1_000]);
    await repetition.untilDone();
    await clock.advance(400);
    await repetition.now();
    await clock.advance(1_100);
    expect(turns).toEqual([0, 400, 1_400]);
  });

  it('is done once more, and never twice at once, for all who ask while it is under way', async () => {
    const clock = new FakeClock();
    let [inside, most, turns] = [0, 0, 0];
    const gates: (() => void)[] = [];
    const work = async (): Promise<number> => {
      turns += 1;
      most = Math.max(most, ++inside);
      await new Promise<void>((resolve) => gates.push(resolve));
      inside -= 1;
      return Infinity;
    };
    const repetition = new Repetition(work, { clock, randomness: new FakeRandomness() });
    const first = repetition.untilDone();
    const asked = Promise.all([repetition.now(), repetition.now()]);
    gates.shift()!();
    await first;
    await clock.advance(1);
    gates.shift()!();
    await asked;
    expect({ turns, most }).toEqual({ turns: 2, most: 1 });
  });

  it('tells who asked that it failed', async () => {
    const { repetition } = setUp([new Error('away')]);
    await expect(repetition.now()).rejects.toThrow('away');
  });

  it('pauses for longer than a timer can, and no longer than it was told', async () => {
    const { clock, turns, repetition } = setUp([60 * DAY, Infinity]);
    await repetition.untilDone();
    await clock.advance(60 * DAY - 1);
    expect(turns).toHaveLength(1);
    await clock.advance(1);
    expect(turns).toHaveLength(2);
  });

  it('is done within a minute when the machine slept through its time', async () => {
    const { clock, turns, repetition } = setUp([DAY, Infinity]);
    await repetition.untilDone();
    clock.jumpWallClock(2 * DAY);
    await clock.advance(60_000);
    expect(turns).toHaveLength(2);
  });

  it('is over when it is stopped', async () => {
    const { clock, turns, repetition } = setUp([1_000]);
    await repetition.untilDone();
    repetition.stop();
    await clock.advance(10_000);
    expect(turns).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });
});
