import { IDLE_MS, type Replica, started } from '../../../test/support/replica.js';
import { StoreUnavailable } from '../lifecycle.errors.js';

/** One replica that the store does not answer any more. */
async function withoutStore(): Promise<Replica> {
  const replica = (await started()).startAtOnce();
  (await replica.admit()).release();
  for (const call of ['enter', 'touch', 'tally', 'find', 'list', 'due'] as const)
    jest.spyOn(replica.store, call).mockRejectedValue(new StoreUnavailable('away'));
  await replica.clock.advance(10_000);
  return replica;
}

const written = (replica: Replica): number => replica.runtime.calls.filter((call) => call === 'annotate').length;

describe('a replica without the store', () => {
  it('writes the use of a session to its pod before it serves, and then seldom', async () => {
    const replica = await withoutStore();
    const startMs = replica.store.nowMs();
    for (let minute = 0; minute < 10; minute += 1) {
      (await replica.admit()).release();
      await replica.clock.advance(60_000);
    }
    expect(replica.pod().lastUsedAtMs).toBeGreaterThan(startMs + 450_000 - 1);
    expect(written(replica)).toBe(4);
  });

  it('writes that a stream is open', async () => {
    const replica = await withoutStore();
    const stream = await replica.admit();
    const before = written(replica);
    await replica.clock.advance(IDLE_MS);
    expect(written(replica) - before).toBeGreaterThanOrEqual(3);
    stream.release();
  });

  it('sends nothing to a pod that is condemned', async () => {
    const replica = await withoutStore();
    await replica.runtime.mark(replica.pod(), replica.clock.nowMs());
    await expect(replica.ask()).rejects.toThrow('away');
  });

  it('finds out by writing that a pod was condemned which it did not hear of', async () => {
    const replica = await withoutStore();
    replica.runtime.annotate = () => Promise.resolve('marked');
    await expect(replica.ask()).rejects.toThrow('away');
  });

  it('waits little for a runtime that does not answer either, and then not again and again', async () => {
    const replica = await withoutStore();
    replica.runtime.annotate = () => new Promise(() => {});
    const asked = replica.admit();
    await replica.clock.advance(2_000);
    const admission = await Promise.race([asked, Promise.resolve('held' as const)]);
    expect(admission).toMatchObject({ generation: 1 });
    expect((await replica.admit({ after: {} })).isFresh()).toBe(true);
  });

  it('goes on when the runtime is away as well, but not for more than a minute', async () => {
    const replica = await withoutStore();
    replica.runtime.isAway = true;
    replica.runtime.watchAgeMs = 20_000;
    (await replica.admit()).release();
    expect(await replica.lifecycle.isCutOff()).toBe(false);
    replica.runtime.watchAgeMs = 61_000;
    await replica.clock.advance(61_000);
    expect(await replica.lifecycle.isCutOff()).toBe(true);
    await expect(replica.ask()).rejects.toThrow('away');
    replica.runtime.watchAgeMs = 0;
    expect(await replica.lifecycle.isCutOff()).toBe(false);
    (await replica.admit()).release();
  });

  it('serves all who come at once, although each write of a use changes the pod', async () => {
    const replica = await withoutStore();
    const annotate = replica.runtime.annotate.bind(replica.runtime);
    replica.runtime.annotate = async (pod, facts) => {
      await new Promise<void>((resolve) => replica.clock.after(5, () => resolve()));
      return annotate(pod, facts);
    };
    const asked = Array.from({ length: 20 }, () => replica.admit());
    await replica.clock.advance(1_000);
    const admissions = await Promise.all(asked);
    expect(admissions).toHaveLength(20);
    expect(written(replica)).toBeLessThan(5);
  });
});
