import { FakeClock } from '../../../test/support/fake-clock.js';
import { sessionId } from '../../../test/support/openings.js';
import type { Session } from '../session.js';
import { PodUse } from './pod-use.js';

const ID = sessionId('s-1');
const WINDOW_MS = 5_000;
const session = { id: ID, generation: 1, idleTimeoutMs: 4 * WINDOW_MS, pod: { name: 'p', uid: 'u' } } as Session;

async function usedUntil(agoMs: number): Promise<PodUse> {
  const clock = new FakeClock();
  const use = new PodUse(session, clock.monotonicMs(), clock);
  use.begin('request').end();
  await clock.advance(agoMs);
  use.recorded(clock.monotonicMs(), use.touch(ID, clock.monotonicMs()));
  return use;
}

describe('what a replica has in use of a pod', () => {
  it('is fresh after a heartbeat that tells of use since the last one', async () => {
    const use = await usedUntil(WINDOW_MS - 1);
    expect(use.isFresh()).toBe(true);
  });

  // A replica had been cut from the store for longer than the idle timeout. Its first heartbeat afterwards told of use
  // long ago, and was taken for a touch: a request that came then went to the pod without one, while the leader, who saw
  // a session idle for long, reaped it.
  it('is not fresh after a heartbeat that tells, after an outage, of use long ago', async () => {
    const use = await usedUntil(10 * WINDOW_MS);
    expect(use.isFresh()).toBe(false);
  });
});
