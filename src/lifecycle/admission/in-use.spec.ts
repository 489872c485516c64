import { FakeClock } from '../../../test/support/fake-clock.js';
import { sessionId } from '../../../test/support/openings.js';
import { session } from '../../../test/support/sessions.js';
import { SilentLogger } from '../../../test/support/silent-logger.js';
import { StoreUnavailable } from '../lifecycle.errors.js';
import type { Session } from '../session.js';
import type { SessionStore, Touch, Touched } from '../store/session-store.js';
import { SessionDirectory } from '../view/session-directory.js';
import { InUse } from './in-use.js';

/** A store that takes every touch, unless the case says otherwise. */
class Store {
  readonly beats: (readonly Touch[])[] = [];
  answer: (touch: Touch) => Touched = () => 'touched';
  isAway = false;

  touch(touches: readonly Touch[]): Promise<readonly Touched[]> {
    this.beats.push(touches);
    return this.isAway ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve(touches.map(this.answer));
  }

  requestsOf(id: string): number[] {
    return this.beats.flatMap((beat) => beat.filter((touch) => touch.id === id)).map(({ requests }) => requests);
  }
}

function stage() {
  const clock = new FakeClock();
  const store = new Store();
  const directory = new SessionDirectory(store as unknown as SessionStore);
  const unheard: string[][] = [];
  const listener = { heard: () => undefined, unheard: (ids: readonly string[]) => void unheard.push([...ids]) };
  const inUse = new InUse(store as unknown as SessionStore, directory, clock, listener, new SilentLogger());
  const enter = (entered: Session): Session => {
    inUse.touched(entered, clock.monotonicMs());
    return entered;
  };
  return { clock, store, directory, inUse, unheard, enter };
}

const ready = (id: string, facts: Partial<Session> = {}): Session =>
  session({ id: sessionId(id), pod: { name: `pod-${id}`, uid: `uid-${id}`, address: `${id}:80` }, ...facts });

describe('what is in use', () => {
  it('is touched in one call per period, however many sessions were entered whenever', async () => {
    const { clock, store, inUse, enter } = stage();
    for (let at = 0; at < 1_000; at += 1) {
      inUse.begin(enter(ready(`s${at}`)), 'request');
      await clock.advance(3);
    }
    await clock.advance(1_000);
    store.beats.length = 0;
    await clock.advance(20_000);
    expect(store.beats.map((beat) => beat.length)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
  });

  it('stays fresh for as long as it is used, so that nothing of it goes through the store', async () => {
    const { clock, inUse, enter } = stage();
    const used = enter(ready('s'));
    for (let request = 0; request < 300; request += 1) {
      expect({ request, isFresh: inUse.isFresh(used) }).toEqual({ request, isFresh: true });
      inUse.begin(used, 'request').end();
      await clock.advance(200);
    }
  });

  it('is touched as often as its own idle timeout needs', async () => {
    const { clock, store, inUse, enter } = stage();
    inUse.begin(enter(ready('slow')), 'request');
    inUse.begin(enter(ready('quick', { idleTimeoutMs: 2_000 })), 'request');
    await clock.advance(8_000);
    const touchesOf = (id: string): number => store.requestsOf(id).length;
    expect({ slow: touchesOf('slow'), quick: touchesOf('quick') }).toEqual({ slow: 2, quick: 20 });
  });

  it('beats faster as soon as the idle timeout is made shorter', async () => {
    const { clock, store, directory, inUse, enter } = stage();
    const before = enter(ready('s'));
    inUse.begin(before, 'request');
    directory.note({ ...before, version: 2, idleTimeoutMs: 2_000 });
    await clock.advance(1_000);
    expect(store.beats).toHaveLength(2);
  });

  it('is let go of when nobody used it from one beat to the next', async () => {
    const { clock, store, inUse, enter } = stage();
    inUse.begin(enter(ready('s')), 'request').end();
    await clock.advance(4_000);
    expect(inUse.total()).toBe(1);
    await clock.advance(60_000);
    expect({ kept: inUse.total(), beats: store.beats.length }).toEqual({ kept: 0, beats: 1 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts idleness from the end of the last use, not from the beat that tells of it', async () => {
    const { clock, store, inUse, enter } = stage();
    const use = inUse.begin(enter(ready('s')), 'request');
    await clock.advance(1_000);
    use.end();
    await clock.advance(3_000);
    expect(store.beats).toEqual([[{ id: 's', generation: 1, uid: 'uid-s', requests: 1, idleForMs: 3_000 }]]);
  });

  it('counts each request once', async () => {
    const { clock, store, inUse, enter } = stage();
    const used = enter(ready('s'));
    for (let request = 0; request < 7; request += 1) inUse.begin(used, 'request').end();
    inUse.begin(used, 'held').end();
    await clock.advance(4_000);
    inUse.begin(used, 'request').end();
    expect(inUse.unrecorded(used.id)).toBe(1);
    await clock.advance(4_000);
    expect(store.requestsOf('s')).toEqual([7, 1]);
  });

  /**
   * A heartbeat of several batches of which one failed was taken for lost as a whole: the requests of those that were
   * answered for were told, and counted, once more.
   */
  it('tells again of those alone that the store did not answer for', async () => {
    const { clock, store, inUse, unheard, enter } = stage();
    for (const id of ['heard', 'unheard', 'ended']) {
      const use = inUse.begin(enter(ready(id)), 'request');
      if (id === 'ended') use.end();
    }
    store.answer = ({ id }) => (id === 'heard' ? 'touched' : 'unanswered');
    await clock.advance(4_000);
    store.answer = () => 'touched';
    await clock.advance(1_000);
    expect(unheard).toEqual([['unheard']]);
    const told = (id: string): number[] => store.requestsOf(id);
    expect({ heard: told('heard'), unheard: told('unheard'), ended: told('ended') }).toEqual({
      heard: [1, 0],
      unheard: [1, 1],
      ended: [1, 1],
    });
  });

  it('is told of every second while the store is away, and not forgotten', async () => {
    const { clock, store, inUse, unheard, enter } = stage();
    inUse.begin(enter(ready('open')), 'request');
    inUse.begin(enter(ready('ended')), 'request').end();
    store.isAway = true;
    await clock.advance(10_000);
    expect(unheard).toEqual(Array.from({ length: 7 }, () => ['open']));
    store.isAway = false;
    await clock.advance(1_000);
    expect([store.requestsOf('open').at(-1), store.requestsOf('ended').at(-1)]).toEqual([1, 1]);
    expect(inUse.unrecorded(sessionId('ended'))).toBe(0);
  });

  it('is let go of, and the truth taken in, when the record names another pod', async () => {
    const { clock, store, directory, inUse, enter } = stage();
    const old = enter(ready('s'));
    inUse.begin(old, 'request');
    const healed = ready('s', { generation: 2, version: 9, pod: { name: 'p', uid: 'another', address: 'x:1' } });
    store.answer = () => ({ moved: healed });
    await clock.advance(4_000);
    expect(directory.find(old.id)).toEqual(healed);
    expect({ kept: inUse.total(), isFresh: inUse.isFresh(old) }).toEqual({ kept: 0, isFresh: false });
  });

  it('is as little as is in use, whatever comes and goes', async () => {
    const { clock, store, inUse, enter } = stage();
    inUse.begin(enter(ready('stream')), 'request');
    for (let at = 0; at < 20_000; at += 1) {
      inUse.begin(enter(ready(`s${at}`)), 'request').end();
      if (at % 1_000 === 0) await clock.advance(1_000);
    }
    expect(inUse.total()).toBeLessThan(10_000);
    await clock.advance(10_000);
    expect(inUse.total()).toBe(1);
    store.beats.length = 0;
    await clock.advance(4_000);
    expect(store.beats).toEqual([[expect.objectContaining({ id: 'stream', idleForMs: undefined })]]);
  });

  it('is told once more when the replica stops, and then no more', async () => {
    const { clock, store, inUse, enter } = stage();
    inUse.begin(enter(ready('s')), 'request').end();
    await inUse.stop();
    expect(store.requestsOf('s')).toEqual([1]);
    await clock.advance(60_000);
    expect(store.beats).toHaveLength(1);
  });
});
