import { alice, caller, sessionId } from '../../../test/support/openings.js';
import { ID, IDLE_MS, refusedWith, Replica, started } from '../../../test/support/replica.js';

/** One replica's whole core on virtual time, with pods that do as the test says. */
describe('an admission', () => {
  it('makes one pod for many simultaneous first requests and admits them all to it', async () => {
    const replica = await started();
    const asked = Array.from({ length: 100 }, () => replica.admit());
    await replica.clock.advance(100);
    replica.runtime.makeReady(replica.pod());
    const admissions = await Promise.all(asked);
    expect(new Set(admissions.map(({ address }) => address)).size).toBe(1);
    expect(admissions.every(({ generation, start }) => generation === 1 && start === 'cold')).toBe(true);
    expect(replica.runtime.calls.filter((call) => call === 'create')).toHaveLength(1);
  });

  it('asks nobody for a session that was touched within its window', async () => {
    const replica = (await started()).startAtOnce();
    await replica.admit();
    const enter = jest.spyOn(replica.store, 'enter');
    const again = await replica.admit();
    expect(again.start).toBe('none');
    expect(enter).not.toHaveBeenCalled();
  });

  // The answer to an `enter` was on its way while the pod died and the notification of that came in: the request went to
  // the address of a pod that this replica knew to be gone.
  it('does not go by an answer that is older than what was heard meanwhile', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    await replica.clock.advance(IDLE_MS / 2);
    const { store } = replica;
    const enter = store.enter.bind(store);
    jest.spyOn(store, 'enter').mockImplementationOnce(async (...args) => {
      const answer = await enter(...args);
      const death = { reason: 'Evicted', message: 'gone', atMs: 0, crashed: false };
      await store.replace({ id: ID, generation: 1 }, death, 0);
      return answer;
    });
    const asked = replica.ask();
    await replica.clock.advance(5_000);
    expect(await asked).toMatchObject({ generation: 2 });
  });

  it('refuses what it cannot know before the store is usable', async () => {
    const replica = new Replica();
    await expect(replica.admit()).rejects.toThrow('lost its memory');
  });

  it('holds requests while a pod restarts in place, and keeps the generation', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const pod = replica.runtime.change(replica.pod(), { phase: 'restarting' });
    const asked = replica.admit();
    await replica.clock.advance(500);
    replica.runtime.change(pod, { phase: 'ready', restarts: 1 });
    expect(await asked).toMatchObject({ generation: 1, restarts: 1, start: 'none' });
  });

  it('holds no more requests than it may', async () => {
    const replica = await started({ maxPendingRequests: 1 });
    const held = replica.ask();
    await replica.clock.advance(10);
    await expect(replica.ask()).rejects.toEqual(refusedWith('TOO_MANY_WAITING'));
    replica.runtime.makeReady(replica.pod());
    await expect(held).resolves.toMatchObject({ generation: 1 });
  });

  it('answers GENERATION_MISMATCH instead of opening or serving another generation', async () => {
    const replica = (await started()).startAtOnce();
    await expect(replica.ask({ generation: 1 })).rejects.toEqual(refusedWith('GENERATION_MISMATCH'));
    expect(replica.runtime.pods.size).toBe(0);
    await replica.admit();
    await expect(replica.ask({ generation: 2 })).rejects.toEqual(refusedWith('GENERATION_MISMATCH'));
    await expect(replica.admit({ generation: 1 })).resolves.toMatchObject({ generation: 1 });
  });

  it('lets an impatient client go with what is true, and goes on starting the pod', async () => {
    const replica = await started();
    const answer = await replica.ask({ patienceMs: 0 });
    expect(answer).toMatchObject({ pending: { state: 'creating', generation: 1 } });
    await replica.clock.advance(10);
    replica.runtime.makeReady(replica.pod());
    await replica.clock.advance(10);
    expect(await replica.state()).toBe('ready');
  });

  it('keeps templates with a required scope for those who have it', async () => {
    const replica = (await started()).startAtOnce();
    const { sessions } = replica.lifecycle;
    await expect(sessions.open(ID, alice, { template: 'gpu' })).rejects.toEqual(refusedWith('FORBIDDEN'));
    const scoped = caller(alice.owner, { scopes: ['gpu'] });
    await sessions.open(ID, scoped, { template: 'gpu' });
    await expect(replica.admit({ caller: scoped })).resolves.toMatchObject({ generation: 1 });
    await expect(replica.ask()).rejects.toEqual(refusedWith('FORBIDDEN'));
  });

  it('starts the next generation for a request that finds the session terminating', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.lingers = true;
    await replica.clock.advance(IDLE_MS + 10_000);
    const [old] = [...replica.runtime.pods.values()];
    expect(old).toMatchObject({ deleting: true });
    const admission = await replica.admit();
    expect(admission.generation).toBe(2);
    expect(admission.address).not.toBe(old!.address);
  });

  it('starts no more pods at once than it may, and queues the others', async () => {
    const replica = await started({ maxConcurrentCreations: 2 });
    const asked = ['a', 'b', 'c'].map((id) => replica.admit({ id: sessionId(id) }));
    await replica.clock.advance(100);
    expect(replica.runtime.pods.size).toBe(2);
    replica.startAtOnce();
    for (const pod of replica.runtime.pods.values()) replica.runtime.makeReady(pod);
    await replica.clock.advance(100);
    expect(await Promise.all(asked)).toHaveLength(3);
  });
});
