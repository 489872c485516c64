import { dueAtMs } from '../../../src/lifecycle/deadlines.js';
import type { Touch } from '../../../src/lifecycle/store/session-store.js';
import type { Session } from '../../../src/lifecycle/session.js';
import { alice } from '../../support/openings.js';
import { expectMoved, idOf, ref, type Given, type Stage } from './stage.js';

const touchOf = (session: Session, requests = 1): Touch => ({ ...ref(session), requests });

export function using(given: Given): void {
  describe('touching', () => {
    it('records the use, the requests, and when the session is due now', async () => {
      const stage = await given();
      const before = await stage.ready('s');
      await stage.pass(stage.units(2));
      expect(await stage.store.touch([touchOf(before, 5)])).toEqual(['touched']);
      const session = await stage.truth('s');
      expect(session).toMatchObject({ state: 'ready', requests: before.requests + 5, openedAtMs: before.openedAtMs });
      stage.expectTime(session.lastUsedAtMs, stage.store.nowMs());
      stage.expectTime(session.dueAtMs, stage.store.nowMs() + stage.idleTimeoutMs);
    });

    it('is use also without a new request, as of a stream that is open', async () => {
      const stage = await given();
      const before = await stage.ready('s');
      await stage.pass(stage.units(2));
      await stage.store.touch([touchOf(before, 0)]);
      const session = await stage.truth('s');
      expect(session.requests).toBe(before.requests);
      stage.expectTime(session.lastUsedAtMs, stage.store.nowMs());
    });

    it('keeps a session from being reaped for as long as it goes on', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      for (let beat = 0; beat < 4; beat++) {
        await stage.pass(stage.units(3));
        await stage.store.touch([touchOf(session, 0)]);
        expect(await stage.store.reap(ref(session))).toBe('not-due');
      }
    });

    it('is still possible when the session is due but has not been reaped', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.passUntil(session.dueAtMs);
      expect(await stage.store.touch([touchOf(session)])).toEqual(['touched']);
      expect(await stage.store.reap(ref(session))).toBe('not-due');
    });

    it('does not put off the end of a lifetime', async () => {
      const stage = await given();
      const session = await stage.ready('s', { asked: { maxLifetimeMs: stage.units(2) } });
      await stage.pass(stage.units(1));
      await stage.store.touch([touchOf(session)]);
      expect((await stage.truth('s')).dueAtMs).toBe(session.openedAtMs + stage.units(2));
    });

    it('answers for each touch in the order given', async () => {
      const stage = await given();
      const a = await stage.ready('a');
      const b = await stage.opened('b');
      const c = await stage.ready('c');
      const [first, second, third, fourth] = await stage.store.touch([
        touchOf(c),
        touchOf(b),
        { id: idOf('nobody'), generation: 1, requests: 1 },
        touchOf(a),
      ]);
      expect([first, fourth]).toEqual(['touched', 'touched']);
      await expectMoved(stage, 'b', second);
      expect(third).toEqual({ moved: undefined });
    });

    it('adds up when one session is touched twice in one call', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      expect(await stage.store.touch([touchOf(session, 2), touchOf(session, 3)])).toEqual(['touched', 'touched']);
      expect((await stage.truth('s')).requests).toBe(session.requests + 5);
    });

    it('of nothing answers nothing', async () => {
      const stage = await given();
      expect(await stage.store.touch([])).toEqual([]);
    });

    it('counts for the pod that was meant, not for its successor', async () => {
      const stage = await given();
      const old = await stage.ready('s');
      await stage.store.end(old.id, alice);
      const successor = await stage.ready('s');
      await stage.pass(stage.units(1));
      await expectMoved(stage, 's', (await stage.store.touch([touchOf(old)]))[0]);
      expect(await stage.find('s')).toEqual(successor);
    });
  });

  describe('when a session is due', () => {
    it.each([
      ['creating', (stage: Stage) => stage.opened('s')],
      ['ready', (stage: Stage) => stage.ready('s')],
      ['ready with a lifetime', (stage: Stage) => stage.ready('s', { asked: { maxLifetimeMs: stage.units(1) } })],
      ['healing', (stage: Stage) => stage.healing('s')],
      ['failed', (stage: Stage) => stage.failed('s')],
      ['reaped', (stage: Stage) => stage.reaped('s')],
      ['terminating by request', (stage: Stage) => stage.stopped('s')],
      ['ended', (stage: Stage) => stage.ended('s')],
    ])('follows from what is recorded: %s', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      const session = await stage.truth('s');
      expect(session.dueAtMs).toBe(dueAtMs(session));
    });
  });

  describe('changing time-outs', () => {
    it('alters those that are named, and when the session is due', async () => {
      const stage = await given();
      const before = await stage.ready('s', { asked: { maxLifetimeMs: stage.units(50) } });
      const idleTimeoutMs = stage.units(9);
      const changed = await stage.store.change(idOf('s'), alice, { idleTimeoutMs });
      const session = await stage.truth('s');
      expect(changed).toEqual(session);
      expect(session).toMatchObject({ idleTimeoutMs, maxLifetimeMs: stage.units(50), state: 'ready', generation: 1 });
      expect(session.dueAtMs).toBe(session.lastUsedAtMs + idleTimeoutMs);
      expect(session.version).toBeGreaterThan(before.version);
    });

    it('may set a lifetime, shorten it and take it away', async () => {
      const stage = await given();
      const { openedAtMs, lastUsedAtMs } = await stage.ready('s');
      await stage.store.change(idOf('s'), alice, { maxLifetimeMs: stage.units(3) });
      expect((await stage.truth('s')).dueAtMs).toBe(openedAtMs + stage.units(3));
      await stage.store.change(idOf('s'), alice, { maxLifetimeMs: stage.units(1) });
      expect((await stage.truth('s')).dueAtMs).toBe(openedAtMs + stage.units(1));
      await stage.store.change(idOf('s'), alice, { maxLifetimeMs: 0 });
      expect((await stage.truth('s')).dueAtMs).toBe(lastUsedAtMs + stage.idleTimeoutMs);
    });

    it('decides from then on whether the session is reaped', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.store.change(idOf('s'), alice, { idleTimeoutMs: stage.units(8) });
      await stage.passUntil(session.dueAtMs);
      expect(await stage.store.reap(ref(session))).toBe('not-due');
      await stage.passUntil((await stage.truth('s')).dueAtMs);
      expect(await stage.store.reap(ref(session))).toBe('terminating');
    });

    it.each([
      ['creating', (stage: Stage) => stage.opened('s')],
      ['failed', (stage: Stage) => stage.failed('s')],
    ])('is possible in %s', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      await stage.store.change(idOf('s'), alice, { idleTimeoutMs: stage.units(7), maxLifetimeMs: stage.units(70) });
      const session = await stage.truth('s');
      expect(session).toMatchObject({ idleTimeoutMs: stage.units(7), maxLifetimeMs: stage.units(70) });
      expect(session.dueAtMs).toBe(dueAtMs(session));
    });

    it('is neither use nor a request', async () => {
      const stage = await given();
      const { lastUsedAtMs, requests } = await stage.ready('s');
      await stage.pass(stage.units(1));
      await stage.store.change(idOf('s'), alice, { idleTimeoutMs: stage.units(9) });
      expect(await stage.truth('s')).toMatchObject({ lastUsedAtMs, requests });
    });

    it.each([
      ['terminating', (stage: Stage) => stage.stopped('s')],
      ['ended', (stage: Stage) => stage.ended('s')],
    ])('finds nothing to change in a %s session', async (_, bring) => {
      const stage = await given();
      const before = await bring(stage);
      expect(await stage.store.change(idOf('s'), alice, { idleTimeoutMs: 1 })).toBe('absent');
      expect(await stage.find('s')).toEqual(before);
    });

    it('finds nothing to change where there is no record', async () => {
      const stage = await given();
      expect(await stage.store.change(idOf('s'), alice, { idleTimeoutMs: 1 })).toBe('absent');
      expect(await stage.find('s')).toBeUndefined();
    });
  });
}
