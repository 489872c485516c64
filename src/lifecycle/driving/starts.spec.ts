import { alice, sessionId } from '../../../test/support/openings.js';
import { HOUR_MS, ID, Replica, START_TIMEOUT_MS, started } from '../../../test/support/replica.js';

describe('a start', () => {
  // The store had forgotten a session whose pod was gone (as it does when a tombstone is over), and the next opening of
  // the id was generation 1 again. A replica whose watch was frozen still saw the old pod of that generation, named it and
  // made it ready at an address that was another session's by then.
  it('does not name a pod that nobody but an outdated view still sees', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const gone = replica.pod();
    replica.runtime.pods.delete(gone.uid);
    replica.runtime.pods.set('another', { ...gone, uid: 'another', name: 'another', assignment: undefined });
    replica.store.loseMemory();
    await replica.clock.advance(2_000);
    const asked = replica.ask();
    await replica.clock.advance(5_000);
    expect(await asked).toMatchObject({ generation: 1 });
    const { pod } = (await replica.store.find(ID))!;
    expect(pod!.uid).not.toBe(gone.uid);
    expect(replica.runtime.pods.has(pod!.uid)).toBe(true);
  });

  // The record's news came after the answer, on a connection of its own: every start read its own pod from the API server.
  it.each([0, 1])('does not ask for the pod that it has just named (warm pool of %d)', async (warmPoolSize) => {
    const replica = new Replica({ warmPoolSize }).startAtOnce();
    const watch = replica.store.watch.bind(replica.store);
    replica.store.watch = (changed, missedSome) =>
      watch((session) => void replica.clock.after(2, () => changed(session)), missedSome);
    await replica.start();
    const asked = replica.ask();
    await replica.clock.advance(20);
    expect(replica.runtime.calls).not.toContain('read');
    await expect(asked).resolves.toMatchObject({ start: warmPoolSize > 0 ? 'warm' : 'cold' });
  });

  it('is not failed by a runtime that is away for longer than the start time-out', async () => {
    const replica = await started();
    replica.runtime.isAway = true;
    replica.ask().catch(() => undefined);
    await replica.clock.advance(START_TIMEOUT_MS + 10_000);
    expect(await replica.state()).toBe('creating');
  });

  it('has its time again when an outage ends that left nobody to prolong it', async () => {
    const replica = await started();
    replica.ask().catch(() => undefined);
    await replica.clock.advance(START_TIMEOUT_MS - 20_000);
    replica.runtime.backSinceMs = replica.clock.monotonicMs();
    await replica.clock.advance(START_TIMEOUT_MS - 1_000);
    expect(await replica.state()).toBe('creating');
    await replica.clock.advance(5_000);
    expect(await replica.state()).toBe('failed');
  });

  it('that timed out in a heal says how long it took', async () => {
    const replica = (await started()).startAtOnce();
    const open = await replica.admit();
    await replica.clock.advance(HOUR_MS);
    open.release();
    replica.runtime.onCreate = () => {};
    replica.runtime.vanish(replica.pod());
    await replica.clock.advance(START_TIMEOUT_MS + 5_000);
    const { lastFailure } = await replica.lifecycle.sessions.status(ID, alice);
    expect(lastFailure!.message).toContain('within 120 s');
  });

  it('that timed out tells of itself, not of the failure before', async () => {
    const replica = await started();
    replica.runtime.onCreate = (pod) =>
      void replica.runtime.change(pod, {
        phase: 'dead',
        crashed: true,
        failure: { reason: 'OOMKilled', message: 'no memory' },
      });
    replica.ask().catch(() => undefined);
    await replica.clock.advance(30_000);
    expect(await replica.state()).toBe('failed');
    replica.runtime.onCreate = () => {};
    const creates = jest.spyOn(replica.runtime, 'create').mockRejectedValue(new Error('disk full'));
    replica.ask().catch(() => undefined);
    await replica.clock.advance(START_TIMEOUT_MS + 5_000);
    expect(creates).toHaveBeenCalled();
    expect((await replica.lifecycle.sessions.status(ID, alice)).lastFailure!.message).not.toContain('no memory');
  });

  it('that could not make its pod does not say that it runs', async () => {
    const replica = await started();
    jest.spyOn(replica.runtime, 'create').mockRejectedValue(new Error('disk full'));
    replica.ask().catch(() => undefined);
    await replica.clock.advance(START_TIMEOUT_MS + 5_000);
    expect((await replica.lifecycle.sessions.status(ID, alice)).lastFailure!.message).not.toContain('it runs');
  });

  it('leaves no place taken and nothing going in circles when the store forgets it', async () => {
    const replica = await started({ maxConcurrentCreations: 1 });
    replica.runtime.isAway = true;
    replica.ask().catch(() => undefined);
    await replica.clock.advance(5_000);
    replica.store.loseMemory();
    replica.runtime.isAway = false;
    await replica.clock.advance(10_000);
    expect(replica.runtime.pods.size).toBe(0);
    const tries = jest.spyOn(replica.store, 'tryStart');
    await replica.clock.advance(10_000);
    expect(tries.mock.calls.length).toBeLessThan(5);
    expect(replica.lifecycle.limiter.counts()).toEqual({ starting: 0, queued: 0 });
  });

  it('can be made by another session after the store forgot one', async () => {
    const replica = await started({ maxConcurrentCreations: 1 });
    replica.runtime.isAway = true;
    replica.ask().catch(() => undefined);
    await replica.clock.advance(100);
    replica.store.loseMemory();
    replica.runtime.isAway = false;
    await replica.clock.advance(10_000);
    replica.startAtOnce();
    const other = replica.ask({ id: sessionId('other') });
    await replica.clock.advance(START_TIMEOUT_MS + 5_000);
    await expect(other).resolves.toMatchObject({ generation: 1 });
  });

  it('is not looked for again and again when record and pod went together', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    await replica.clock.advance(20_000);
    replica.store.loseMemory();
    replica.runtime.vanish(replica.pod());
    await replica.clock.advance(10_000);
    replica.runtime.calls.length = 0;
    await replica.clock.advance(10_000);
    expect(replica.runtime.calls.filter((call) => call === 'read').length).toBeLessThan(5);
  });

  it('does not wait for one that nobody waits for any more', async () => {
    const replica = await started({ maxConcurrentCreations: 1 });
    await replica.leadership.stop();
    replica.ask().catch(() => undefined);
    await replica.clock.advance(100);
    const leaving = new AbortController();
    replica.ask({ id: sessionId('left'), signal: leaving.signal }).catch(() => undefined);
    await replica.clock.advance(100);
    leaving.abort();
    const other = replica.ask({ id: sessionId('other') });
    await replica.clock.advance(100);
    replica.startAtOnce().runtime.makeReady(replica.pod());
    await replica.clock.advance(5_000);
    await expect(Promise.race([other, Promise.resolve('held')])).resolves.toMatchObject({ generation: 1 });
  });
});
