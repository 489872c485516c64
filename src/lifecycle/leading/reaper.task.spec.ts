import { alice, sessionId } from '../../../test/support/openings.js';
import { IDLE_MS, Replica, started } from '../../../test/support/replica.js';
import { RuntimeUnavailable } from '../lifecycle.errors.js';

const COUNT = 250;
const ids = Array.from({ length: COUNT }, (_, at) => sessionId(`s-${at}`));

async function openAll(replica: Replica): Promise<void> {
  await Promise.all(ids.map((id) => replica.lifecycle.sessions.open(id, alice, {})));
  await replica.clock.advance(1_000);
  expect(replica.runtime.pods.size).toBe(COUNT);
}

describe('the reaper', () => {
  it('pages through all that is due, and one pod that cannot be condemned holds up nobody', async () => {
    const replica = (await started({ maxConcurrentCreations: COUNT })).startAtOnce();
    await openAll(replica);
    const mark = replica.runtime.mark.bind(replica.runtime);
    replica.runtime.mark = (pod, untilMs) =>
      pod.assignment?.id === ids[0] ? Promise.reject(new Error('a webhook refuses')) : mark(pod, untilMs);
    await replica.clock.advance(IDLE_MS + 2_000);
    expect([...replica.runtime.pods.values()].map(({ assignment }) => assignment?.id)).toEqual([ids[0]]);
    replica.runtime.mark = mark;
    await replica.clock.advance(10_000);
    expect(replica.runtime.pods.size).toBe(0);
  });

  it('reaps nothing after an outage of the runtime before heartbeats had time to arrive', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    await replica.clock.advance(IDLE_MS - 5_000);
    const mark = replica.runtime.mark.bind(replica.runtime);
    replica.runtime.mark = () => Promise.reject(new RuntimeUnavailable('away'));
    await replica.clock.advance(10_000);
    replica.runtime.mark = mark;
    await replica.clock.advance(10_000);
    expect(await replica.state()).toBe('ready');
    await replica.clock.advance(15_000);
    expect(await replica.state()).toBe('gone');
  });

  it('spares a session whose use was written to its pod by a replica without the store', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    await replica.clock.advance(IDLE_MS / 2);
    await replica.runtime.annotate(replica.pod(), { lastUsedAtMs: replica.store.nowMs() });
    await replica.clock.advance(IDLE_MS / 2 + 10_000);
    expect(await replica.state()).toBe('ready');
    await replica.clock.advance(IDLE_MS / 2);
    expect(await replica.state()).toBe('gone');
  });

  it('loses against a use that is written to the pod while it is being condemned', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const mark = replica.runtime.mark.bind(replica.runtime);
    let isWritten = false;
    replica.runtime.mark = async (pod, untilMs) => {
      if (!isWritten) await replica.runtime.annotate(pod, { lastUsedAtMs: replica.store.nowMs() });
      isWritten = true;
      return mark(pod, untilMs);
    };
    await replica.clock.advance(IDLE_MS + 10_000);
    expect(isWritten).toBe(true);
    expect(await replica.state()).toBe('ready');
    expect(replica.pod().markedUntilMs).toBeUndefined();
  });

  it('asks for what is due and nothing else', async () => {
    const replica = (await started({ maxConcurrentCreations: COUNT })).startAtOnce();
    await openAll(replica);
    const due = jest.spyOn(replica.store, 'due');
    const find = jest.spyOn(replica.store, 'find');
    const reap = jest.spyOn(replica.store, 'reap');
    await replica.clock.advance(IDLE_MS / 2);
    expect(reap).not.toHaveBeenCalled();
    expect(find).not.toHaveBeenCalled();
    expect(due.mock.calls.length).toBeLessThan(10);
  });

  /** Redis tells the time of its machine: when that is set forward, everything looks unused for that long. */
  it('reaps nothing in use when the clock of the store is set forward', async () => {
    const reapedAt: number[] = [];
    for (let atMs = 0; atMs < 65_000; atMs += 1_000) {
      const replica = (await started()).startAtOnce();
      await replica.admit();
      await replica.clock.advance(2_300 + atMs);
      (replica.store as unknown as { startedAtMs: number }).startedAtMs += IDLE_MS + 1_000;
      await replica.clock.advance(120_000);
      if ((await replica.state()) !== 'ready') reapedAt.push(atMs);
    }
    expect(reapedAt).toEqual([]);
  });
});
