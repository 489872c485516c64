import type { Session } from '../../../src/lifecycle/session.js';
import { alice } from '../../support/openings.js';
import { death, ref, type Given, type Stage } from './stage.js';

const ids = ({ sessions }: { sessions: readonly Session[] }): string[] => sessions.map(({ id }) => id);

/** Ready sessions, opened at one time, that are due after so many units. */
async function readyFor(stage: Stage, idleUnits: Record<string, number>): Promise<void> {
  for (const [id, count] of Object.entries(idleUnits)) {
    await stage.ready(id, { asked: { idleTimeoutMs: stage.units(count) } });
  }
}

export function queue(given: Given): void {
  describe('the queue of what is due', () => {
    it('is empty in an empty store', async () => {
      const stage = await given();
      const { sessions, nextInMs } = await stage.store.due(10);
      expect(sessions).toEqual([]);
      expect(nextInMs).toBeUndefined();
    });

    it('has the most overdue first, and says when the next one is', async () => {
      const stage = await given();
      await readyFor(stage, { c: 4, a: 2, later: 9, b: 3 });
      await stage.pass(stage.units(6));
      const due = await stage.store.due(10);
      expect(ids(due)).toEqual(['a', 'b', 'c']);
      const { dueAtMs } = await stage.truth('later');
      stage.expectTime(due.nextInMs, (dueAtMs ?? NaN) - stage.store.nowMs());
    });

    it('shows each as it is recorded', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.passUntil(session.dueAtMs);
      expect((await stage.store.due(1)).sessions).toEqual([session]);
    });

    it('comes in pages, and tells at once of what is due beyond one', async () => {
      const stage = await given();
      await readyFor(stage, { d: 5, c: 4, b: 3, a: 2 });
      await stage.pass(stage.units(6));
      const page = await stage.store.due(2);
      expect(ids(page)).toEqual(['a', 'b']);
      expect(page.nextInMs).toBeLessThanOrEqual(0);
      for (const session of page.sessions) expect(await stage.store.reap(ref(session))).toBe('terminating');
      for (const session of page.sessions) await stage.finished(session);
      expect(ids(await stage.store.due(2))).toEqual(['c', 'd']);
    });

    it('has nobody before the time', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.passUntilJustBefore(session.dueAtMs);
      const due = await stage.store.due(10);
      expect(due.sessions).toEqual([]);
      expect(due.nextInMs).toBeGreaterThan(0);
    });

    it.each([
      ['a creation past its deadline', async (stage: Stage) => stage.passUntil((await stage.opened('s')).dueAtMs)],
      ['a heal past its deadline', async (stage: Stage) => stage.passUntil((await stage.healing('s')).dueAtMs)],
      [
        'a failed session past its idle time-out',
        async (stage: Stage) => stage.passUntil((await stage.failed('s')).dueAtMs),
      ],
      ['a session reaped whose pod is still to be deleted', (stage: Stage) => stage.reaped('s')],
      ['a session ended whose pod is still to be deleted', (stage: Stage) => stage.stopped('s')],
    ])('has %s', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      expect(ids(await stage.store.due(10))).toEqual(['s']);
    });

    it('follows every change of what a session is due for', async () => {
      const stage = await given();
      const creating = await stage.opened('s');
      await stage.madeReady(creating);
      await stage.passUntil((await stage.truth('s')).dueAtMs);
      expect(ids(await stage.store.due(10))).toEqual(['s']);
      await stage.enter('s');
      expect(ids(await stage.store.due(10))).toEqual([]);
      await stage.store.replace(ref(await stage.truth('s')), death, 0);
      await stage.pass(stage.idleTimeoutMs);
      expect(ids(await stage.store.due(10))).toEqual([]);
      await stage.store.end(creating.id, alice);
      expect(ids(await stage.store.due(10))).toEqual(['s']);
      await stage.opened('s');
      expect(ids(await stage.store.due(10))).toEqual([]);
    });
  });

  describe('postponing', () => {
    it('takes one from the head of the queue for a time, and only that one', async () => {
      const stage = await given();
      await readyFor(stage, { a: 2, b: 3 });
      await stage.pass(stage.units(4));
      await stage.store.postpone(ref(await stage.truth('a')), stage.units(2));
      const untilMs = stage.store.nowMs() + stage.units(2);
      const due = await stage.store.due(10);
      expect(ids(due)).toEqual(['b']);
      stage.expectTime(due.nextInMs, stage.units(2));
      await stage.passUntilJustBefore(untilMs);
      expect(ids(await stage.store.due(10))).toEqual(['b']);
      await stage.passUntil(untilMs);
      expect(ids(await stage.store.due(10)).sort()).toEqual(['a', 'b']);
    });

    it('gives a terminating session, whose pod cannot be deleted, time as well', async () => {
      const stage = await given();
      await stage.stopped('stuck');
      await stage.pass(stage.units(1));
      await stage.stopped('next');
      await stage.store.postpone(ref(await stage.truth('stuck')), stage.units(1));
      expect(ids(await stage.store.due(1))).toEqual(['next']);
      expect(await stage.truth('stuck')).toMatchObject({ state: 'terminating' });
    });

    it('does nothing to a session that has moved since', async () => {
      const stage = await given();
      const stopped = await stage.stopped('s');
      await stage.opened('s');
      await stage.store.end(stopped.id, alice);
      await stage.store.postpone(ref(stopped), stage.units(50));
      expect(ids(await stage.store.due(10))).toEqual(['s']);
    });

    it('does not make a record of what is absent', async () => {
      const stage = await given();
      const ended = await stage.ended('s');
      await stage.passUntil(ended.forgetAtMs);
      await stage.store.postpone(ref(ended), stage.units(1));
      expect(await stage.find('s')).toBeUndefined();
      await stage.pass(stage.units(2));
      expect(ids(await stage.store.due(10))).toEqual([]);
    });

    it('does not put an ended session back into the queue', async () => {
      const stage = await given();
      await stage.store.postpone(ref(await stage.ended('s')), stage.units(1));
      await stage.pass(stage.units(2));
      expect(ids(await stage.store.due(10))).toEqual([]);
    });
  });
}
