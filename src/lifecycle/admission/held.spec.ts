import { alice, opening } from '../../../test/support/openings.js';
import { ID, IDLE_MS, refusedWith, Replica, START_TIMEOUT_MS, started } from '../../../test/support/replica.js';
import type { Pod } from '../runtime/pod.js';

describe('a request that is held', () => {
  it('is use while the pod restarts in place: the session is not reaped under it', async () => {
    const replica = (await started()).startAtOnce();
    await replica.lifecycle.sessions.open(ID, alice, { idleTimeoutMs: 4_000 });
    await replica.clock.advance(100);
    (await replica.admit()).release();
    await replica.clock.advance(20_000 - 18_500);
    const pod = replica.runtime.change(replica.pod(), { phase: 'restarting' });
    const asked = replica.ask();
    await replica.clock.advance(15_000);
    if (replica.runtime.pods.has(pod.uid)) replica.runtime.change(pod, { phase: 'ready', restarts: 1 });
    await replica.clock.advance(1_000);
    expect(await asked).toMatchObject({ generation: 1 });
  });

  // A replica that missed the notifications of a DELETE and of the next opening, or heard of the later one first through
  // an answer, let what it held ride along: a request from before the DELETE was executed in the session after it.
  it('is refused when its session was ended, also when all that is heard is that there is another one', async () => {
    const replica = await started();
    const asked = replica.ask();
    await replica.clock.advance(100);
    replica.lifecycle.directory.stop();
    await replica.store.end(ID, alice);
    const entered = await replica.store.enter(ID, alice, opening());
    if (typeof entered === 'string') throw new Error(entered);
    replica.lifecycle.directory.note(entered.session);
    await expect(asked).rejects.toEqual(refusedWith('SESSION_TERMINATING'));
  });

  // The leader had finished a session that was being ended by the time this replica set out to do the same: the answer said
  // `ended`, ahead of the notification that said by whom, and what was held opened the session again.
  it('is refused when its session was ended, also when nothing is heard but that it is over', async () => {
    const replica = await started();
    const asked = replica.ask();
    await replica.clock.advance(100);
    replica.lifecycle.directory.stop();
    const session = await replica.store.end(ID, alice);
    if (typeof session === 'string') throw new Error(session);
    await replica.store.finish({ id: ID, generation: 1 }, 'left');
    replica.lifecycle.directory.note((await replica.store.find(ID))!);
    await expect(asked).rejects.toEqual(refusedWith('SESSION_TERMINATING'));
  });

  // It was let go because its pod was ready, and asked the store once more: the DELETE that had come first had ended what
  // it waited for, and it opened the session anew by itself.
  it('is refused when its session was ended, also between being let go and asking the store', async () => {
    const replica = (await started()).startAtOnce();
    let isHeld = false;
    const enter = replica.store.enter.bind(replica.store);
    replica.store.enter = async (...args: Parameters<typeof enter>) => {
      if (isHeld) await replica.store.end(ID, alice);
      isHeld = true;
      return enter(...args);
    };
    const asked = replica.ask();
    const refused = expect(asked).rejects.toEqual(refusedWith('SESSION_TERMINATING'));
    await replica.clock.advance(START_TIMEOUT_MS);
    await refused;
    expect(replica.runtime.calls.filter((call) => call === 'create')).toHaveLength(1);
    expect(await replica.state()).toBe('gone');
  });

  it('is refused when what it was let into was ended before it was sent, also when that was opened again', async () => {
    const replica = (await started()).startAtOnce();
    const before = await replica.admit();
    expect(before.entered).toBe(1);
    before.release();
    await replica.store.end(ID, alice);
    await expect(replica.ask({ after: before })).rejects.toEqual(refusedWith('SESSION_TERMINATING'));
    const admission = await replica.admit();
    expect(admission).toMatchObject({ entered: 2, generation: 2 });
    await expect(replica.ask({ after: before })).rejects.toEqual(refusedWith('SESSION_TERMINATING'));
    await expect(replica.ask({ after: admission })).resolves.toMatchObject({ entered: 2, generation: 2 });
  });

  // What this replica knows may be older than a DELETE at another one, which came before the request.
  it('opens the session again when it was admitted from memory, and that was wrong', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const fromMemory = await replica.admit();
    expect(fromMemory.entered).toBeUndefined();
    fromMemory.release();
    await replica.store.end(ID, alice);
    await expect(replica.ask({ after: fromMemory })).resolves.toMatchObject({ entered: 2, generation: 2 });
  });

  it('is told what hinders the start when its time is over before anybody could look at the pod once more', async () => {
    const replica = await started();
    const asked = replica.ask();
    await replica.clock.advance(100);
    const failure = { reason: 'ImagePullBackOff', message: 'no such image' };
    replica.runtime.change(replica.pod(), { failure });
    replica.runtime.read = () => new Promise(() => {});
    await replica.clock.advance(START_TIMEOUT_MS + 10_000);
    await expect(asked).rejects.toMatchObject({
      code: 'SESSION_START_TIMEOUT',
      reason: 'ImagePullBackOff',
      message: expect.stringContaining('no such image'),
    });
  });

  it('does not go round in haste while the view holds for newer what the store has forgotten', async () => {
    const replica = await started();
    const asked = replica.ask();
    await replica.clock.advance(100);
    const creating = (await replica.store.find(ID))!;
    const version = creating.version + 1_000_000_000;
    replica.lifecycle.directory.note({ ...creating, state: 'terminating', endedBy: 'idle', version });
    const enters = jest.spyOn(replica.store, 'enter').mockResolvedValue({ outcome: 'found', session: creating });
    await replica.clock.advance(10_000);
    expect(enters.mock.calls.length).toBeGreaterThan(10);
    expect(enters.mock.calls.length).toBeLessThan(150);
    replica.lifecycle.turnAwayHeld();
    asked.catch(() => undefined);
  });

  it('with If-Session-Generation opens nothing, not even a failed session past its back-off', async () => {
    const replica = await started();
    const asked = replica.ask();
    await replica.clock.advance(START_TIMEOUT_MS + 15_000);
    await expect(asked).rejects.toEqual(refusedWith('SESSION_START_TIMEOUT'));
    expect(await replica.state()).toBe('failed');
    const before = replica.runtime.calls.filter((call) => call === 'create').length;
    await replica.ask({ generation: 1 }).catch(() => undefined);
    await replica.clock.advance(100);
    expect(replica.runtime.calls.filter((call) => call === 'create')).toHaveLength(before);
    expect(await replica.state()).toBe('failed');
  });

  it('with If-Session-Generation opens nothing when the session ends under it', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    await replica.clock.advance(IDLE_MS - 1);
    const enter = replica.store.enter.bind(replica.store);
    replica.store.enter = async (...args: Parameters<typeof enter>) => {
      await replica.store.end(ID, alice);
      return enter(...args);
    };
    await replica.ask({ generation: 1 }).catch(() => undefined);
    await replica.clock.advance(100);
    expect(await replica.state()).toBe('gone');
  });

  it('is served although the lifetime is shorter than the start, and no pod is made after pod', async () => {
    const replica = await started({ maxLifetimeMs: 5_000 });
    replica.runtime.onCreate = (pod: Pod) =>
      void replica.clock.after(6_000, () => replica.runtime.pods.has(pod.uid) && replica.runtime.makeReady(pod));
    const asked = replica.ask();
    await replica.clock.advance(START_TIMEOUT_MS + 10_000);
    expect(replica.runtime.calls.filter((call) => call === 'create').length).toBeLessThan(4);
    await expect(asked).resolves.toMatchObject({ generation: 1 });
  });

  it('is turned away if it comes after the held ones were', async () => {
    const replica = await started();
    replica.lifecycle.turnAwayHeld();
    const asked = replica.ask();
    await replica.clock.advance(5_000);
    await expect(Promise.race([asked, Promise.resolve('held')])).rejects.toEqual(refusedWith('SHUTTING_DOWN'));
  });

  it('is let through when a short outage of the runtime has passed', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const pod = replica.runtime.change(replica.pod(), { phase: 'restarting' });
    const asked = replica.ask();
    await replica.clock.advance(100);
    replica.runtime.isAway = true;
    replica.runtime.change(pod, { restarts: 1 });
    await replica.clock.advance(1_000);
    replica.runtime.isAway = false;
    replica.runtime.change(pod, { phase: 'ready', restarts: 1 });
    await replica.clock.advance(1_000);
    await expect(asked).resolves.toMatchObject({ generation: 1 });
  });

  it('is woken when notifications were missed', async () => {
    const replica = new Replica();
    let missedSome = (): void => {};
    let isDeaf = false;
    const watch = replica.store.watch.bind(replica.store);
    replica.store.watch = (changed: Parameters<typeof watch>[0], missed: () => void) => {
      missedSome = missed;
      return watch((session) => void (isDeaf || changed(session)), missed);
    };
    await replica.start();
    const asked = replica.ask();
    let outcome: unknown = 'still waiting';
    asked.then(
      (value) => (outcome = value),
      (error: unknown) => (outcome = error),
    );
    await replica.clock.advance(100);
    isDeaf = true;
    await replica.store.fail({ id: ID, generation: 1 }, { reason: 'X', message: 'x', atMs: 0 }, 10_000); // by another replica
    missedSome();
    isDeaf = false;
    await replica.clock.advance(60_000);
    expect(outcome).not.toBe('still waiting');
  });

  it('for a known session is served while the store has lost its memory', async () => {
    const replica = (await started()).startAtOnce();
    const open = await replica.admit();
    await replica.leadership.stop(); // nobody imports
    replica.store.loseMemory();
    await replica.clock.advance(30_000);
    await expect(replica.ask()).resolves.toMatchObject({ generation: 1 });
    open.release();
  });

  it('is counted once, also when it was held for a restart', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const pod = replica.runtime.change(replica.pod(), { phase: 'restarting' });
    await replica.clock.advance(20_000);
    const asked = replica.ask();
    await replica.clock.advance(500);
    expect((await replica.lifecycle.sessions.status(ID, alice)).inFlight).toBe(1);
    replica.runtime.change(pod, { phase: 'ready', restarts: 1 });
    await asked;
    expect((await replica.lifecycle.sessions.status(ID, alice)).inFlight).toBe(1);
    expect((await replica.lifecycle.sessions.status(ID, alice)).requests).toBe(2);
  });
});
