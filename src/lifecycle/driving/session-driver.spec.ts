import { alice } from '../../../test/support/openings.js';
import { PodHeldBack, RuntimeUnavailable } from '../lifecycle.errors.js';
import { ID, refusedWith, START_TIMEOUT_MS, started } from '../../../test/support/replica.js';

/** One replica's whole core on virtual time, with pods that do as the test says. */
describe('a session that is driven', () => {
  it('replaces a dead pod by itself, without any request', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.change(replica.pod(), { phase: 'dead', failure: { reason: 'StateLost', message: 'gone' } });
    await replica.clock.advance(1_000);
    const status = await replica.lifecycle.sessions.status(ID, alice);
    expect(status).toMatchObject({ state: 'ready', generation: 2, lastFailure: { reason: 'StateLost' } });
    expect(replica.pod().assignment?.generation).toBe(2);
  });

  it('replaces a pod that somebody deleted', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.vanish(replica.pod());
    expect(await replica.admit({ after: {} })).toMatchObject({ generation: 2 });
  });

  it('gives up after three generations that crash, tells why, and tries again later', async () => {
    const replica = await started();
    replica.runtime.onCreate = (pod) =>
      void replica.runtime.change(pod, {
        phase: 'dead',
        crashed: true,
        failure: { reason: 'CrashLoopBackOff', message: 'no disk' },
      });
    const asked = replica.ask();
    await replica.clock.advance(10_000);
    await expect(asked).rejects.toEqual(refusedWith('SESSION_START_FAILED'));
    await expect(asked).rejects.toMatchObject({ reason: 'CrashLoopBackOff', message: 'no disk' });
    expect(replica.runtime.calls.filter((call) => call === 'create')).toHaveLength(3);
    await expect(replica.ask()).rejects.toEqual(refusedWith('SESSION_START_FAILED'));
    expect(replica.runtime.pods.size).toBe(0);
    replica.startAtOnce();
    await replica.clock.advance(10_000);
    expect((await replica.admit()).generation).toBe(4);
  });

  it('fails a start at its deadline, and tells those who waited so', async () => {
    const replica = await started();
    const asked = replica.ask();
    await replica.clock.advance(START_TIMEOUT_MS + 1);
    await expect(asked).rejects.toEqual(refusedWith('SESSION_START_TIMEOUT'));
    expect(await replica.state()).toBe('failed');
    await replica.clock.advance(1_000);
    expect(replica.runtime.pods.size).toBe(0);
  });

  it('keeps nobody waiting for a second call when the first was not answered for long', async () => {
    const replica = await started();
    replica.runtime.create = async () => {
      await new Promise<void>((resolve) => replica.clock.after(10_000, () => resolve()));
      throw new RuntimeUnavailable('no answer');
    };
    const asked = replica.ask();
    await replica.clock.advance(10_100);
    await expect(Promise.race([asked, Promise.resolve('held')])).rejects.toThrow('no answer');
  });

  it('keeps nobody waiting long for a view of the pods that does not come', async () => {
    const replica = await started();
    replica.runtime.watchAgeMs = 'unsynced';
    const asked = replica.ask();
    await replica.clock.advance(5_000);
    await expect(Promise.race([asked, Promise.resolve('held')])).rejects.toThrow('not known yet');
    expect(replica.runtime.calls).not.toContain('create');
  });

  it('does not trouble who waits with a hiccup of the runtime', async () => {
    const replica = (await started()).startAtOnce();
    replica.runtime.isAway = true;
    const asked = replica.ask();
    await replica.clock.advance(1_500);
    replica.runtime.isAway = false;
    await replica.clock.advance(2_500);
    await expect(asked).resolves.toMatchObject({ generation: 1 });
  });

  it('waits for room until its deadline, tells why meanwhile, and fails with that reason', async () => {
    const replica = await started();
    const creates = jest.spyOn(replica.runtime, 'create').mockRejectedValue(new PodHeldBack('QuotaExceeded', 'full'));
    const asked = replica.ask();
    await replica.clock.advance(10_000);
    expect(await replica.state()).toBe('creating');
    const waiting = await replica.lifecycle.sessions.status(ID, alice);
    expect(waiting.lastFailure).toMatchObject({ reason: 'QuotaExceeded', message: 'full' });
    expect(creates.mock.calls.length).toBeGreaterThanOrEqual(4);
    await replica.clock.advance(START_TIMEOUT_MS);
    await expect(asked).rejects.toMatchObject({ code: 'SESSION_START_TIMEOUT', reason: 'QuotaExceeded' });
    expect(await replica.state()).toBe('failed');
  });

  it('is started as soon as there is room', async () => {
    const replica = (await started()).startAtOnce();
    const creates = jest.spyOn(replica.runtime, 'create').mockRejectedValue(new PodHeldBack('QuotaExceeded', 'full'));
    const asked = replica.ask();
    await replica.clock.advance(30_000);
    creates.mockRestore();
    await replica.clock.advance(3_000);
    await expect(asked).resolves.toMatchObject({ generation: 1 });
    expect((await replica.lifecycle.sessions.status(ID, alice)).lastFailure).toBeUndefined();
  });

  it('does not fail a session because the runtime is away', async () => {
    const replica = await started();
    replica.runtime.isAway = true;
    const asked = replica.ask();
    await replica.clock.advance(5_000);
    await expect(asked).rejects.toThrow('the runtime is away');
    await replica.clock.advance(START_TIMEOUT_MS / 2);
    expect(await replica.state()).toBe('creating');
    replica.startAtOnce().runtime.isAway = false;
    await replica.clock.advance(3_000);
    expect(await replica.state()).toBe('ready');
  });

  it('does not add up hiccups that are far apart', async () => {
    const replica = await started();
    const creates = jest.spyOn(replica.runtime, 'create').mockRejectedValue(new PodHeldBack('QuotaExceeded', 'full'));
    const asked = replica.ask();
    await replica.clock.advance(10_000);
    for (let hiccups = 0; hiccups < 3; hiccups += 1) {
      creates.mockRejectedValueOnce(new RuntimeUnavailable('a hiccup'));
      await replica.clock.advance(30_000);
    }
    replica.startAtOnce();
    creates.mockRestore();
    await replica.clock.advance(3_000);
    await expect(asked).resolves.toMatchObject({ generation: 1 });
  });

  it('asks seldom for a pod that is there and that the watch does not show', async () => {
    const replica = (await started()).startAtOnce();
    jest.spyOn(replica.lifecycle.pods, 'ofSession').mockImplementation(() => []);
    const asked = replica.ask();
    await replica.clock.advance(60_000);
    const reads = replica.runtime.calls.filter((call) => call === 'read').length;
    expect(reads).toBeGreaterThan(20);
    expect(reads).toBeLessThan(80);
    asked.catch(() => undefined);
  });
});
