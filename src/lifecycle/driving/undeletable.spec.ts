import { alice } from '../../../test/support/openings.js';
import { ID, IDLE_MS, started } from '../../../test/support/replica.js';

describe('a pod that cannot be deleted', () => {
  it('does not keep its session from the next generation', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.delete = () => Promise.reject(new Error('a finalizer refuses'));
    replica.runtime.change(replica.pod(), { phase: 'dead', failure: { reason: 'StateLost', message: 'gone' } });
    await replica.clock.advance(30_000);
    const status = await replica.lifecycle.sessions.status(ID, alice);
    expect(status).toMatchObject({ state: 'ready', generation: 2 });
  });

  it('does not refuse requests that are held for the next generation when it cannot even be marked', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.mark = () => Promise.resolve('changed' as const);
    replica.runtime.change(replica.pod(), { phase: 'dead', failure: { reason: 'Evicted', message: 'e' } });
    const asked = replica.ask({ after: {} });
    await replica.clock.advance(10_000);
    await expect(asked).resolves.toMatchObject({ generation: 2 });
  });

  it('lets DELETE answer, as the session is ended', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.delete = () => Promise.reject(new Error('a finalizer refuses'));
    await replica.lifecycle.sessions.end(ID, alice);
  });

  it('loses a mark that was refused, although it changed meanwhile', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.onMark = async (pod) => {
      replica.runtime.onMark = () => {};
      await replica.admit();
      replica.runtime.change(pod, { node: 'n' });
    };
    await replica.clock.advance(IDLE_MS + 10_000);
    expect(await replica.state()).toBe('ready');
    expect(replica.pod().markedUntilMs).toBeUndefined();
  });

  it('is told to the log once, not at each try', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const warn = jest.spyOn(replica.parts.logger, 'warn');
    replica.runtime.delete = () => Promise.reject(new Error('a finalizer refuses'));
    await replica.lifecycle.sessions.end(ID, alice);
    await replica.clock.advance(60_000);
    expect(warn.mock.calls.filter(([{ event }]) => event === 'pod.undeletable')).toHaveLength(1);
  });

  it('is not tried the more often the longer it stays', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const tries = jest.fn(() => Promise.reject(new Error('a finalizer refuses')));
    replica.runtime.delete = tries;
    await replica.lifecycle.sessions.end(ID, alice);
    await replica.clock.advance(60_000);
    tries.mockClear();
    await replica.clock.advance(60_000);
    expect(tries.mock.calls.length).toBeGreaterThan(10);
    expect(tries.mock.calls.length).toBeLessThan(60);
  });
});
