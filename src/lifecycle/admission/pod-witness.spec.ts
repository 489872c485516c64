import { FakeClock } from '../../../test/support/fake-clock.js';
import { FakeRuntime } from '../../../test/support/fake-runtime.js';
import { sessionId } from '../../../test/support/openings.js';
import { podOf } from '../../../test/support/pods.js';
import { session } from '../../../test/support/sessions.js';
import type { SessionStore } from '../store/session-store.js';
import { PodWitness } from './pod-witness.js';

describe('who writes uses to pods', () => {
  /** All of them were forgotten at once when they were many, and each was then written once more. */
  it('forgets the longest ago alone when there are many', async () => {
    const clock = new FakeClock();
    const runtime = new FakeRuntime(clock);
    const witness = new PodWitness(runtime, { nowMs: () => clock.nowMs() } as SessionStore, clock);
    const sessions = Array.from({ length: 10_001 }, (_, at) => session({ id: sessionId(`s-${at}`) }));
    const use = (at: number): Promise<boolean> => {
      const pod = podOf(sessions[at]!);
      const standing = runtime.pods.get(pod.uid) ?? pod;
      runtime.pods.set(pod.uid, standing);
      return witness.recordUse(sessions[at]!, standing);
    };
    for (let at = 0; at < sessions.length; at += 1) expect(await use(at)).toBe(true);
    expect(runtime.calls).toHaveLength(10_001);
    for (let at = 1; at < sessions.length; at += 1) await use(at);
    expect(runtime.calls).toHaveLength(10_001);
    await use(0);
    expect(runtime.calls).toHaveLength(10_002);
  });
});
