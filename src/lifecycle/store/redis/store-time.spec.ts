import { FakeClock } from '../../../../test/support/fake-clock.js';
import { StoreTime } from './store-time.js';

const AHEAD_MS = 3_600_000;

describe('the time of the store', () => {
  const given = () => {
    const clock = new FakeClock();
    const time = new StoreTime(clock);
    const serverMs = (): number => clock.nowMs() + AHEAD_MS;
    /** A question that takes so long to get there and so long to come back. */
    const asked = async (thereMs: number, backMs: number, says = serverMs): Promise<void> => {
      const sentAtMs = clock.monotonicMs();
      await clock.advance(thereMs);
      const answer = says();
      await clock.advance(backMs);
      time.learn(answer, sentAtMs);
    };
    const errorMs = (): number => Math.abs(time.nowMs() - serverMs());
    return { clock, time, asked, errorMs };
  };

  it('is our own before the first answer', () => {
    const { clock, time } = given();
    expect(time.nowMs()).toBe(clock.nowMs());
  });

  it('is the server’s after it, whatever our own clock says later', async () => {
    const { clock, time, asked, errorMs } = given();
    await asked(1, 1);
    expect(errorMs()).toBeLessThanOrEqual(1);
    const before = time.nowMs();
    clock.jumpWallClock(86_400_000);
    await clock.advance(5_000);
    expect(time.nowMs()).toBe(before + 5_000);
  });

  it('does not follow an answer that was long on its way', async () => {
    const { time, clock, asked } = given();
    await asked(1, 1);
    const offset = time.nowMs() - clock.monotonicMs();
    await asked(0, 1_500);
    await asked(1_500, 0);
    expect(time.nowMs() - clock.monotonicMs()).toBe(offset);
  });

  it('takes a better answer in place of a worse one', async () => {
    const { asked, errorMs } = given();
    await asked(0, 400);
    expect(errorMs()).toBeGreaterThan(100);
    await asked(1, 1);
    expect(errorMs()).toBeLessThanOrEqual(1);
  });

  it('follows a drift of the two clocks', async () => {
    const { clock, asked, time } = given();
    let drift = 0;
    const says = (): number => Math.round(clock.nowMs() + drift);
    for (let minute = 0; minute < 100; minute++) {
      await clock.advance(60_000);
      drift += 6;
      await asked(1, 1, says);
      expect(Math.abs(time.nowMs() - says())).toBeLessThanOrEqual(15);
    }
  });

  it('is another at once when another server, or one whose clock was set, answers', async () => {
    const { asked, time, clock } = given();
    await asked(1, 1);
    await asked(5, 5, () => clock.nowMs() - AHEAD_MS);
    expect(Math.abs(time.nowMs() - (clock.nowMs() - AHEAD_MS))).toBeLessThanOrEqual(6);
  });
});
