import { MemoryLost } from '../../../src/lifecycle/lifecycle.errors.js';
import type { Session } from '../../../src/lifecycle/session.js';
import type { SessionStore } from '../../../src/lifecycle/store/session-store.js';
import { eventually } from '../../support/eventually.js';
import { alice } from '../../support/openings.js';
import { podOf } from '../../support/pods.js';
import { death, hopeless, idOf, ref, type Given, type Stage } from './stage.js';

/** Every call that decides or tells something; only the import, watching and the time are left. */
const CALLS: Record<string, (store: SessionStore, session: Session, stage: Stage) => Promise<unknown>> = {
  enter: (store, _, stage) => store.enter(idOf('new'), alice, stage.opening()),
  'enter (a session that it held)': (store, { id }, stage) => store.enter(id, alice, stage.opening()),
  touch: (store, session) => store.touch([{ ...ref(session), requests: 1 }]),
  tryStart: (store, session) => store.tryStart(ref(session)),
  namePod: (store, session) => store.namePod(ref(session), podOf(session)),
  markReady: (store, session) => store.markReady(ref(session), '10.4.4.4:8080'),
  replace: (store, session) => store.replace(ref(session), death, 0),
  fail: (store, session) => store.fail(ref(session), hopeless, 0),
  reap: (store, session) => store.reap(ref(session)),
  end: (store, { id }) => store.end(id, alice),
  finish: (store, session) => store.finish(ref(session), 'none'),
  change: (store, { id }) => store.change(id, alice, { idleTimeoutMs: 1 }),
  isNamed: (store, session) => store.isNamed(podOf(session)),
  find: (store, { id }) => store.find(id),
  list: (store) => store.list({ limit: 10 }),
  due: (store) => store.due(10),
  postpone: (store, session) => store.postpone(ref(session), 1),
  tally: (store) => store.tally(),
};

export function memoryLost(given: Given): void {
  describe('a store that has lost its memory', () => {
    it.each(Object.entries(CALLS))('answers MemoryLost to %s', async (_, call) => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.harness.loseMemory();
      await expect(call(stage.store, session, stage)).rejects.toThrow(MemoryLost);
    });

    it.each(Object.entries(CALLS))('answers MemoryLost to %s also in the middle of the import', async (_, call) => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.harness.loseMemory();
      const token = await stage.importing();
      expect(await stage.store.importPod(token, stage.livingPodOf(session))).toBe('imported');
      await expect(call(stage.store, session, stage)).rejects.toThrow(MemoryLost);
    });

    it('answers so to every replica', async () => {
      const stage = await given();
      const other = await stage.harness.secondReplica();
      await stage.harness.loseMemory();
      await expect(other.find(idOf('s'))).rejects.toThrow(MemoryLost);
    });

    it('has done nothing of what it was asked meanwhile', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.harness.loseMemory();
      for (const call of Object.values(CALLS))
        await expect(call(stage.store, session, stage)).rejects.toThrow(MemoryLost);
      await stage.imported([]);
      expect(await stage.find('s')).toBeUndefined();
      expect(await stage.find('new')).toBeUndefined();
      expect(await stage.store.tally()).toMatchObject({ counted: 0 });
    });

    it('still knows the time', async () => {
      const stage = await given();
      const beforeMs = stage.store.nowMs();
      await stage.harness.loseMemory();
      await stage.pass(stage.units(1));
      expect(stage.store.nowMs()).toBeGreaterThan(beforeMs);
    });

    it('can be watched, and the watcher learns what comes after the import', async () => {
      const stage = await given();
      await stage.harness.loseMemory();
      const seen: string[] = [];
      const stop = stage.store.watch(
        ({ id }) => seen.push(id),
        () => undefined,
      );
      await stage.imported([]);
      await stage.opened('s');
      await eventually(() => expect(seen).toContain('s'));
      stop();
    });

    it('works for every replica as soon as one has finished the import', async () => {
      const stage = await given();
      const other = await stage.harness.secondReplica();
      await stage.harness.loseMemory();
      await stage.imported([]);
      expect(await other.enter(idOf('s'), alice, stage.opening())).toMatchObject({ outcome: 'opened' });
    });

    it('needs no import before that', async () => {
      const stage = await given();
      expect(await stage.store.beginImport()).toBe('not-needed');
    });
  });
}
