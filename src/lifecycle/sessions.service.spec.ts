import { admin, alice, bob, sessionId } from '../../test/support/openings.js';
import { ID, refusedWith, started } from '../../test/support/replica.js';

/** One replica's whole core on virtual time, with pods that do as the test says. */
describe('the calls on a session', () => {
  it('answers held requests with SESSION_TERMINATING when the session is ended', async () => {
    const replica = await started();
    const asked = replica.ask();
    await replica.clock.advance(10);
    await replica.lifecycle.sessions.end(ID, alice);
    await expect(asked).rejects.toEqual(refusedWith('SESSION_TERMINATING'));
    await replica.clock.advance(5_000);
    expect(replica.runtime.pods.size).toBe(0);
    expect((await replica.startAtOnce().admit()).generation).toBe(2);
  });

  it('refuses sessions beyond the limit until one has ended', async () => {
    const replica = (await started({ maxSessions: 1 })).startAtOnce();
    await replica.admit();
    await expect(replica.ask({ id: sessionId('other') })).rejects.toEqual(refusedWith('CAPACITY_EXHAUSTED'));
    await replica.lifecycle.sessions.end(ID, alice);
    await expect(replica.admit({ id: sessionId('other') })).resolves.toMatchObject({ generation: 1 });
  });

  it('shows a session to its owner and to admins, and to nobody else on any call', async () => {
    const replica = (await started()).startAtOnce();
    await replica.admit();
    const { sessions } = replica.lifecycle;
    const signal = new AbortController().signal;
    const calls = [
      replica.ask({ caller: bob }),
      sessions.status(ID, bob),
      sessions.open(ID, bob, {}),
      sessions.keepalive(ID, bob),
      sessions.end(ID, bob),
      sessions.logs(ID, bob, { follow: false, signal }),
      sessions.events(ID, bob, signal),
    ];
    for (const outcome of await Promise.allSettled(calls))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'SESSION_NOT_FOUND' } });
    expect((await sessions.list(bob, { limit: 10 })).sessions).toEqual([]);
    await expect(sessions.status(ID, admin)).resolves.toMatchObject({ owner: alice.owner });
  });

  it('opens ahead of use with what was asked for, and says conflict to another wish', async () => {
    const replica = (await started()).startAtOnce();
    const { sessions } = replica.lifecycle;
    const first = await sessions.open(ID, alice, { env: { COLOUR: 'red' }, idleTimeoutMs: 5_000 });
    expect(first).toMatchObject({ opened: true, session: { state: 'creating' } });
    await expect(sessions.open(ID, alice, { env: { COLOUR: 'red' } })).resolves.toMatchObject({ opened: false });
    await expect(sessions.open(ID, alice, { env: { COLOUR: 'blue' } })).rejects.toEqual(
      refusedWith('SESSION_CONFLICT'),
    );
    await expect(sessions.open(ID, alice, { env: { SECRET: 'x' } })).rejects.toEqual(refusedWith('INVALID_REQUEST'));
    await expect(sessions.open(ID, alice, { template: 'none' })).rejects.toEqual(refusedWith('INVALID_REQUEST'));
    expect(replica.pod().assignment?.env).toEqual({ COLOUR: 'red' });
  });

  it('writes new time-outs to a pod that changes at the same moment', async () => {
    const replica = (await started()).startAtOnce();
    const { sessions } = replica.lifecycle;
    await sessions.open(ID, alice, {});
    await replica.clock.advance(1_000);
    const annotate = jest.spyOn(replica.runtime, 'annotate').mockResolvedValueOnce('changed');
    await sessions.open(ID, alice, { idleTimeoutMs: 1_234_000 });
    await replica.clock.advance(1_000);
    expect(annotate.mock.calls.map(([, facts]) => facts)).toEqual([
      { timeouts: { idleTimeoutMs: 1_234_000, maxLifetimeMs: 0 } },
      { timeouts: { idleTimeoutMs: 1_234_000, maxLifetimeMs: 0 } },
    ]);
  });

  it('shows the node that a pod came to only after it was made', async () => {
    const replica = await started();
    const { sessions } = replica.lifecycle;
    await sessions.open(ID, alice, {});
    await replica.clock.advance(10);
    const { name } = replica.runtime.change(replica.pod(), { node: 'node-1' });
    await expect(sessions.status(ID, alice)).resolves.toMatchObject({ pod: { name, node: 'node-1' } });
  });

  it('tells of every transition in order', async () => {
    const replica = await started();
    const { sessions } = replica.lifecycle;
    await sessions.open(ID, alice, {});
    const heard: string[] = [];
    const events = await sessions.events(ID, alice, new AbortController().signal);
    const listening = (async () => {
      for await (const { event } of events) heard.push(event);
    })();
    await replica.clock.advance(10);
    const pod = replica.runtime.makeReady(replica.pod());
    await replica.clock.advance(10);
    replica.runtime.change(replica.runtime.change(pod, { phase: 'restarting', restarts: 1 }), { phase: 'ready' });
    await sessions.end(ID, alice);
    await listening;
    expect(heard).toEqual(['creating', 'ready', 'restarted', 'terminating', 'ended']);
  });

  /** DELETE marks the pod as it was seen; another replica that is cut off from the store had just written a use to it. */
  it('ends a session on request although its use was written to its pod a moment ago', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const mark = replica.runtime.mark.bind(replica.runtime);
    replica.runtime.mark = async (pod, untilMs) => {
      replica.runtime.mark = mark;
      await replica.runtime.annotate(pod, { lastUsedAtMs: replica.store.nowMs() });
      return mark(pod, untilMs);
    };
    await replica.lifecycle.sessions.end(ID, alice);
    await replica.clock.advance(1_000);
    expect(await replica.state()).toBe('gone');
    expect(replica.runtime.pods.size).toBe(0);
  });
});
