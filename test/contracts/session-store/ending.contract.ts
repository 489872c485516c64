import { admin, alice, bob } from '../../support/openings.js';
import { idOf, ref, type Given, type Stage } from './stage.js';

export function ending(given: Given): void {
  describe('reaping', () => {
    it('takes a session that was idle for its time-out', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.passUntil(session.dueAtMs);
      expect(await stage.store.reap(ref(session))).toBe('terminating');
      expect(await stage.truth('s')).toMatchObject({ state: 'terminating', generation: 1, endedBy: 'idle' });
    });

    it('refuses a moment earlier, and changes nothing', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.passUntilJustBefore(session.dueAtMs);
      expect(await stage.store.reap(ref(session))).toBe('not-due');
      expect(await stage.find('s')).toEqual(session);
    });

    it.each([
      ['a touch', (stage: Stage) => stage.touched('s')],
      ['a request', (stage: Stage) => stage.enter('s')],
    ])('refuses after %s, although the session was due when it was looked up', async (_, use) => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.passUntil(session.dueAtMs);
      const { sessions } = await stage.store.due(10);
      expect(sessions.map(({ id }) => id)).toEqual(['s']);
      await use(stage);
      expect(await stage.store.reap(ref(session))).toBe('not-due');
    });

    it('takes a session in use whose lifetime is over', async () => {
      const stage = await given();
      const session = await stage.ready('s', { asked: { maxLifetimeMs: stage.units(2) } });
      await stage.passUntilJustBefore(session.openedAtMs + stage.units(2));
      await stage.touched('s');
      expect(await stage.store.reap(ref(session))).toBe('not-due');
      await stage.passUntil(session.openedAtMs + stage.units(2));
      expect(await stage.store.reap(ref(session))).toBe('terminating');
      expect(await stage.truth('s')).toMatchObject({ endedBy: 'lifetime' });
    });
  });

  describe('ending by request', () => {
    it.each([
      ['creating', (stage: Stage) => stage.opened('s')],
      ['creating with a pod', (stage: Stage) => stage.named('s')],
      ['healing', (stage: Stage) => stage.healing('s')],
      ['ready', (stage: Stage) => stage.ready('s')],
      ['failed', (stage: Stage) => stage.failed('s')],
    ])('takes a session in %s at once', async (_, bring) => {
      const stage = await given();
      const before = await bring(stage);
      const answer = await stage.store.end(idOf('s'), alice);
      expect(answer).toEqual(await stage.truth('s'));
      expect(answer).toMatchObject({ state: 'terminating', generation: before.generation, endedBy: 'request' });
    });

    it('returns a session that has ended as it is', async () => {
      const stage = await given();
      const ended = await stage.ended('s');
      await stage.pass(stage.units(1));
      expect(await stage.store.end(idOf('s'), alice)).toEqual(ended);
      expect(await stage.find('s')).toEqual(ended);
    });

    it('may be asked twice', async () => {
      const stage = await given();
      const stopped = await stage.stopped('s');
      expect(await stage.store.end(idOf('s'), alice)).toMatchObject({ state: 'terminating', endedBy: 'request' });
      expect((await stage.truth('s')).generation).toBe(stopped.generation);
    });

    it('finds nothing where there is no record, or none any more', async () => {
      const stage = await given();
      expect(await stage.store.end(idOf('s'), alice)).toBe('absent');
      await stage.passUntil((await stage.ended('s')).forgetAtMs);
      expect(await stage.store.end(idOf('s'), alice)).toBe('absent');
    });
  });

  describe('a request that was held for an opening', () => {
    it.each([
      ['terminating', (stage: Stage) => stage.stopped('s')],
      ['ended', (stage: Stage) => stage.ended('s')],
      ['opened again', async (stage: Stage) => (await stage.stopped('s')) && stage.opened('s')],
      ['ready again', async (stage: Stage) => (await stage.ended('s')) && stage.ready('s')],
      ['reaped after it', async (stage: Stage) => (await stage.ended('s')) && stage.reaped('s')],
    ])('is refused once that was ended by request, and leaves no trace (%s)', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      const before = await stage.truth('s');
      await stage.pass(stage.units(1));
      expect(await stage.enter('s', { heldFor: 1 })).toBe('ended');
      expect(await stage.find('s')).toEqual(before);
    });

    it('is carried on by the next one when that was reaped', async () => {
      const stage = await given();
      await stage.reaped('s');
      expect(await stage.opened('s', { heldFor: 1 })).toMatchObject({ generation: 2, opening: 2 });
      expect(await stage.enter('s', { heldFor: 1 })).toMatchObject({ outcome: 'found' });
    });

    it('is carried on by a new try, and served while that stands', async () => {
      const stage = await given();
      await stage.passUntil((await stage.failed('s')).retryAtMs);
      await stage.madeReady(await stage.opened('s', { heldFor: 1 }));
      expect(await stage.enter('s', { heldFor: 1 })).toMatchObject({ outcome: 'found', session: { generation: 2 } });
    });

    it('is served when only an earlier one was ended by request', async () => {
      const stage = await given();
      await stage.ended('s');
      await stage.ready('s');
      expect(await stage.enter('s', { heldFor: 2 })).toMatchObject({ outcome: 'found', session: { opening: 2 } });
    });

    it('opens a session of which nothing is known any more', async () => {
      const stage = await given();
      await stage.passUntil((await stage.ended('s')).forgetAtMs);
      expect(await stage.opened('s', { heldFor: 1 })).toMatchObject({ generation: 1, opening: 1 });
    });

    it('of an admin is refused like one of the owner, that of a stranger as ever', async () => {
      const stage = await given();
      await stage.ended('s');
      expect(await stage.enter('s', { by: admin, heldFor: 1 })).toBe('ended');
      expect(await stage.enter('s', { by: bob, heldFor: 1 })).toBe('not-yours');
    });
  });

  describe('finishing', () => {
    it('ends a terminating session, which then is due no more', async () => {
      const stage = await given();
      const stopped = await stage.stopped('s');
      expect(await stage.store.finish(ref(stopped), 'none')).toBe('ended');
      const session = await stage.truth('s');
      expect(session).toMatchObject({ state: 'ended', generation: 1, endedBy: 'request', owner: alice.owner });
      expect(session.dueAtMs).toBeUndefined();
      expect(await stage.store.due(10)).toEqual({ sessions: [], nextInMs: undefined });
    });

    it('keeps saying why a session was reaped', async () => {
      const stage = await given();
      expect(await stage.finished(await stage.reaped('s'))).toMatchObject({ endedBy: 'idle' });
    });

    it('may be told first that a pod is left and later that none is', async () => {
      const stage = await given();
      const ended = await stage.finished(await stage.stopped('s'), 'left');
      expect(ended.forgetAtMs).toBeUndefined();
      expect((await stage.finished(ended, 'none')).forgetAtMs).toBeDefined();
    });

    it('compares the generation only: whoever saw the pod go may name the pod that it was', async () => {
      const stage = await given();
      const ready = await stage.ready('s');
      await stage.finished(await stage.stoppedAsItIs('s'), 'left');
      expect(await stage.store.finish(ref(ready), 'none')).toBe('ended');
      expect((await stage.truth('s')).forgetAtMs).toBeDefined();
    });
  });
}
