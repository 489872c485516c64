import type { Session } from '../../../src/lifecycle/session.js';
import type { SessionFilter } from '../../../src/lifecycle/store/session-store.js';
import { alice, bob } from '../../support/openings.js';
import { podOf } from '../../support/pods.js';
import { death, idOf, ref, type Given, type Stage } from './stage.js';

async function pages(stage: Stage, filter: Partial<SessionFilter> = {}): Promise<string[][]> {
  const found: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await stage.store.list({ limit: 100, ...filter, cursor });
    found.push(page.sessions.map(({ id }) => id));
    cursor = page.next;
    if (found.length > 100) throw new Error('the list does not come to an end');
  } while (cursor !== undefined);
  return found;
}

const listed = async (stage: Stage, filter?: Partial<SessionFilter>): Promise<string[]> =>
  (await pages(stage, filter)).flat();

export function reading(given: Given): void {
  describe('does a record name this pod', () => {
    it.each([
      ['creating', (stage: Stage) => stage.named('s')],
      ['ready', (stage: Stage) => stage.ready('s')],
    ])('yes, by uid, in %s', async (_, bring) => {
      const stage = await given();
      const session = await bring(stage);
      expect(await stage.store.isNamed(podOf(session, { uid: session.pod?.uid }))).toBe(true);
    });

    it('no, when the uid is of another pod of that name', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      expect(await stage.store.isNamed(podOf(session, { uid: 'another' }))).toBe(false);
    });

    it('yes, by name, as long as a creation has no pod named: it may just have been made', async () => {
      const stage = await given();
      const session = await stage.opened('s');
      expect(await stage.store.isNamed(podOf(session, { uid: 'just-made' }))).toBe(true);
      await stage.withPod(session);
      expect(await stage.store.isNamed(podOf(session, { uid: 'just-made' }))).toBe(false);
    });

    it('no, when it is of an earlier generation', async () => {
      const stage = await given();
      const old = await stage.ready('s');
      const oldPod = podOf(old, { uid: old.pod?.uid });
      await stage.store.replace(ref(old), death, 0);
      expect(await stage.store.isNamed(oldPod)).toBe(false);
      await stage.madeReady(await stage.truth('s'));
      expect(await stage.store.isNamed(oldPod)).toBe(false);
    });

    it.each([
      ['failed', (stage: Stage) => stage.failed('s')],
      ['terminating', (stage: Stage) => stage.stopped('s')],
      ['ended', (stage: Stage) => stage.ended('s')],
    ])('no, once the session is %s', async (_, bring) => {
      const stage = await given();
      const opened = await stage.opened('other');
      const session = await bring(stage);
      const uid = session.pod?.uid ?? 'uid-1';
      expect(await stage.store.isNamed(podOf(session, { uid }))).toBe(false);
      expect(await stage.store.isNamed(podOf(opened, { uid: 'just-made' }))).toBe(true);
    });

    it('no, when there is no record', async () => {
      const stage = await given();
      const session = await stage.opened('s');
      const stranger = { ...session, id: idOf('stranger') };
      expect(await stage.store.isNamed(podOf(stranger))).toBe(false);
    });
  });

  describe('finding', () => {
    it('answers what was written, field by field', async () => {
      const stage = await given();
      const asked = { template: 'gpu', env: { A: 'ü "quoted"\n', B: '', toString: 'x' }, maxLifetimeMs: 86_400_000 };
      const by = { ...alice, owner: 'https://issuer.example|älice|"' };
      expect(await stage.ready('s', { by, asked })).toMatchObject({ ...asked, owner: by.owner });
    });

    it('answers nothing where nothing was opened, and makes nothing of it', async () => {
      const stage = await given();
      expect(await stage.find('s')).toBeUndefined();
      expect(await listed(stage)).toEqual([]);
    });

    it('tells ids apart to the letter', async () => {
      const stage = await given();
      for (const id of ['a', 'A', 'a.a', 'a~a', 'a-a', 'a_a']) await stage.opened(id);
      for (const id of ['a', 'A', 'a.a', 'a~a', 'a-a', 'a_a']) expect((await stage.truth(id)).id).toBe(id);
      expect(await stage.find('aa')).toBeUndefined();
    });

    it('hands out what was true then, which does not change when the record moves on', async () => {
      const stage = await given();
      await stage.ready('s');
      const found = await stage.store.find(idOf('s'));
      const { sessions } = await stage.store.list({ limit: 1 });
      const then = structuredClone([found, sessions[0]]);
      await stage.pass(stage.units(1));
      await stage.touched('s');
      await stage.store.end(idOf('s'), alice);
      expect([found, sessions[0]]).toEqual(then);
      expect(found).toMatchObject({ state: 'ready' });
    });
  });

  describe('listing', () => {
    it('goes by id, ascending by character code, whatever the order of opening', async () => {
      const stage = await given();
      const ordered = ['0', '10', '2', 'A', 'B', 'a', 'a-1', 'a.1', 'a0', 'aB', 'a_1', 'ab', 'b', 'a~1'].sort();
      for (const id of [...ordered].reverse()) await stage.opened(id);
      expect(await listed(stage)).toEqual(ordered);
    });

    it('shows each as it is recorded', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      expect((await stage.store.list({ limit: 1 })).sessions).toEqual([session]);
    });

    it('leaves out tombstones unless they are asked for', async () => {
      const stage = await given();
      await stage.opened('creating');
      await stage.ready('ready');
      await stage.failed('failed');
      await stage.stopped('terminating');
      await stage.ended('ended');
      expect(await listed(stage)).toEqual(['creating', 'failed', 'ready', 'terminating']);
      for (const state of ['creating', 'failed', 'ready', 'terminating', 'ended'] as const) {
        expect(await listed(stage, { state })).toEqual([state]);
      }
    });

    it('forgets a tombstone when its time is over', async () => {
      const stage = await given();
      await stage.passUntil((await stage.ended('s')).forgetAtMs);
      expect(await listed(stage, { state: 'ended' })).toEqual([]);
    });

    it('filters by owner, by template, and by both', async () => {
      const stage = await given();
      await stage.opened('a', { by: alice, asked: { template: 'gpu' } });
      await stage.opened('b', { by: bob, asked: { template: 'gpu' } });
      await stage.opened('c', { by: alice });
      expect(await listed(stage, { owner: alice.owner })).toEqual(['a', 'c']);
      expect(await listed(stage, { template: 'gpu' })).toEqual(['a', 'b']);
      expect(await listed(stage, { owner: alice.owner, template: 'gpu', state: 'creating' })).toEqual(['a']);
      expect(await listed(stage, { owner: 'nobody' })).toEqual([]);
    });

    it.each([1, 2, 3, 5, 7, 8])('comes in pages of at most %d, each session once, all of them', async (limit) => {
      const stage = await given();
      const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
      for (const id of all) await stage.opened(id);
      const found = await pages(stage, { limit });
      expect(found.flat()).toEqual(all);
      for (const page of found) expect(page.length).toBeLessThanOrEqual(limit);
    });

    it('pages through a filter that few pass', async () => {
      const stage = await given();
      for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await stage.opened(id, { by: 'ce'.includes(id) ? bob : alice });
      expect(await listed(stage, { owner: bob.owner, limit: 1 })).toEqual(['c', 'e']);
    });

    it('shows what stood there all the time once, whatever comes and goes between two pages', async () => {
      const stage = await given();
      for (const id of ['a', 'c', 'e', 'g']) await stage.opened(id);
      const first = await stage.store.list({ limit: 2 });
      expect(first.sessions.map(({ id }) => id)).toEqual(['a', 'c']);
      await stage.opened('b');
      await stage.store.end(idOf('c'), alice);
      await stage.finished(await stage.truth('c'));
      await stage.opened('f');
      const rest = await stage.store.list({ limit: 100, cursor: first.next });
      expect(rest.sessions.map(({ id }: Session) => id)).toEqual(['e', 'f', 'g']);
    });
  });

  describe('the tally', () => {
    it('is all zeros in an empty store', async () => {
      const stage = await given();
      expect(await stage.store.tally()).toEqual({
        counted: 0,
        byState: { creating: 0, ready: 0, terminating: 0, failed: 0, ended: 0 },
      });
    });

    it('counts the records in each state', async () => {
      const stage = await given();
      await stage.opened('c1');
      await stage.healing('c2');
      await stage.named('c3');
      await stage.ready('r1');
      await stage.ready('r2');
      await stage.failed('f1');
      await stage.stopped('t1');
      await stage.ended('e1');
      expect(await stage.store.tally()).toEqual({
        counted: 5,
        byState: { creating: 3, ready: 2, terminating: 1, failed: 1, ended: 1 },
      });
    });

    it('no longer counts a tombstone whose time is over', async () => {
      const stage = await given();
      await stage.passUntil((await stage.ended('s')).forgetAtMs);
      expect((await stage.store.tally()).byState).toMatchObject({ ended: 0 });
    });
  });
}
