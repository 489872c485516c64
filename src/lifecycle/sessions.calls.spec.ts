import { alice } from '../../test/support/openings.js';
import { ID, IDLE_MS, START_TIMEOUT_MS, started } from '../../test/support/replica.js';

describe('a call on a session', () => {
  it('PUT gives its time-outs to the next try of a failed session', async () => {
    const replica = await started();
    replica.ask().catch(() => undefined);
    await replica.clock.advance(START_TIMEOUT_MS + 15_000);
    replica.startAtOnce();
    await replica.lifecycle.sessions.open(ID, alice, { idleTimeoutMs: 5_000 });
    expect((await replica.store.find(ID))!.idleTimeoutMs).toBe(5_000);
  });

  it('PUT changes a time-out although the runtime is away', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.isAway = true;
    const outcome = await replica.lifecycle.sessions.open(ID, alice, { idleTimeoutMs: 5_000 }).then(
      () => 5_000,
      () => IDLE_MS,
    );
    expect((await replica.store.find(ID))!.idleTimeoutMs).toBe(outcome);
  });

  it('PUT is no request to the pod', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    await replica.lifecycle.sessions.open(ID, alice, {});
    expect((await replica.lifecycle.sessions.status(ID, alice)).requests).toBe(1);
  });

  // The record names the address until the pod's deletion is ordered, and that had to wait for a new leader. A connection
  // that was just being made was not let go meanwhile, and was made to the next pod of that address.
  it('DELETE tells at once that the pod is not to be reached any more, whenever it is deleted', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const { address } = replica.pod();
    const gone: string[] = [];
    replica.lifecycle.sessions.onPodGone((one) => gone.push(one));
    replica.runtime.lingers = true;
    replica.runtime.delete = () => new Promise(() => {});
    void replica.lifecycle.sessions.end(ID, alice);
    await replica.clock.advance(10);
    expect((await replica.store.find(ID))!.state).toBe('terminating');
    expect(gone).toEqual([address]);
  });

  // A replica that was cut from the store saw its pod go and kept the connection that it was just making: it came to
  // stand to the next pod of that address.
  it('tells of a pod that went, also when only the watch does', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.lifecycle.directory.stop();
    const gone: string[] = [];
    replica.lifecycle.sessions.onPodGone((one) => gone.push(one));
    const pod = replica.pod();
    replica.runtime.change(pod, { phase: 'dead' });
    replica.runtime.vanish(pod);
    expect(gone).toEqual([pod.address]);
  });

  it('leaves the connections of an address alone that another pod has by now', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const pod = replica.pod();
    replica.lifecycle.directory.stop();
    const gone: string[] = [];
    replica.lifecycle.sessions.onPodGone((one) => gone.push(one));
    replica.runtime.change({ ...pod, uid: 'next' }, { ...pod, uid: 'next', name: 'next' });
    replica.runtime.vanish(pod);
    expect(gone).toEqual([]);
  });

  it('DELETE works while the runtime is away, and the session ends later', async () => {
    const replica = await started();
    replica.runtime.isAway = true;
    replica.ask().catch(() => undefined);
    await replica.clock.advance(100);
    await replica.lifecycle.sessions.end(ID, alice);
    await replica.clock.advance(5_000);
    expect((await replica.store.find(ID))!.state).toBe('ended');
  });

  it('events tells of an end that came before it was read', async () => {
    const replica = (await started()).startAtOnce();
    await replica.lifecycle.sessions.open(ID, alice, {});
    await replica.clock.advance(100);
    const end = new AbortController();
    const events = await replica.lifecycle.sessions.events(ID, alice, end.signal);
    await replica.lifecycle.sessions.end(ID, alice);
    await replica.clock.advance(1_000);
    const heard: string[] = [];
    void (async () => {
      for await (const { event } of events) heard.push(event);
      heard.push('closed');
    })();
    await replica.clock.advance(100_000);
    expect(heard.at(-1)).toBe('closed');
  });
});
