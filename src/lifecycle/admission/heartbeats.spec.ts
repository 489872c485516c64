import { FakeClock } from '../../../test/support/fake-clock.js';
import { SilentLogger } from '../../../test/support/silent-logger.js';
import { Heartbeats } from './heartbeats.js';

function beating(answer: () => Promise<void> = () => Promise.resolve()) {
  const clock = new FakeClock();
  const beats: { atMs: number; windows: number[] }[] = [];
  const heartbeats = new Heartbeats(
    clock,
    (windows) => {
      beats.push({ atMs: clock.monotonicMs(), windows: [...windows] });
      return answer();
    },
    new SilentLogger(),
  );
  return { clock, beats, heartbeats };
}

describe('heartbeats', () => {
  it('are one for all sessions with the same window, whenever each was touched, before the first window ends', async () => {
    const { clock, beats, heartbeats } = beating();
    for (let touched = 0; touched < 1_000; touched += 1) {
      heartbeats.touched(5_000, clock.monotonicMs());
      await clock.advance(3);
    }
    await clock.advance(1_500);
    expect(beats).toEqual([{ atMs: 4_000, windows: [5_000] }]);
  });

  it('beat as often as each window needs, together where they are due together', async () => {
    const { clock, beats, heartbeats } = beating();
    heartbeats.touched(5_000, 0);
    heartbeats.touched(1_000, 0);
    await clock.advance(800);
    heartbeats.touched(1_000, 3_200);
    await clock.advance(10_000);
    expect(beats).toEqual([
      { atMs: 800, windows: [1_000] },
      { atMs: 4_000, windows: [5_000, 1_000] },
    ]);
  });

  it('stop by themselves when nothing is kept any more', async () => {
    const { clock, beats, heartbeats } = beating();
    heartbeats.touched(5_000, 0);
    await clock.advance(60_000);
    expect(beats).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('come again after a second when nobody answered', async () => {
    const { clock, beats, heartbeats } = beating();
    heartbeats.unanswered(5_000);
    heartbeats.touched(5_000, 0);
    await clock.advance(5_000);
    expect(beats).toEqual([{ atMs: 1_000, windows: [5_000] }]);
  });

  it('never overlap, and lose nothing that is due meanwhile', async () => {
    let answered = (): void => {};
    const { clock, beats, heartbeats } = beating(() => new Promise((resolve) => (answered = resolve)));
    heartbeats.touched(5_000, 0);
    await clock.advance(4_000);
    heartbeats.touched(1_000, 4_000);
    await clock.advance(10_000);
    expect(beats).toHaveLength(1);
    answered();
    await clock.advance(20);
    expect(beats.at(-1)).toMatchObject({ windows: [1_000] });
  });

  it('go on for the same sessions when one fails by a fault of ours', async () => {
    const { clock, beats, heartbeats } = beating(() => Promise.reject(new Error('a fault')));
    heartbeats.touched(5_000, 0);
    await clock.advance(6_000);
    expect(beats.map(({ atMs }) => atMs)).toEqual([4_000, 5_000, 6_000]);
  });

  it('are over once stopped', async () => {
    const { clock, beats, heartbeats } = beating();
    heartbeats.touched(5_000, 0);
    heartbeats.stop();
    heartbeats.touched(1_000, 0);
    await clock.advance(60_000);
    expect(beats).toEqual([]);
  });
});
