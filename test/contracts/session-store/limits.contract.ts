import { alice, bob, caller } from '../../support/openings.js';
import { death, hopeless, idOf, ref, type Given, type Stage } from './stage.js';

type Bring = readonly [state: string, bring: (stage: Stage) => Promise<unknown>];

const counted: readonly Bring[] = [
  ['creating', (stage) => stage.opened('s')],
  ['ready', (stage) => stage.ready('s')],
  ['healing', (stage) => stage.healing('s')],
];
const uncounted: readonly Bring[] = [
  ['failed', (stage) => stage.failed('s')],
  ['terminating by request', (stage) => stage.stopped('s')],
  ['reaped', (stage) => stage.reaped('s')],
  ['reaped after it failed', reapedFromFailed],
  ['ended', (stage) => stage.ended('s')],
];

async function reapedFromFailed(stage: Stage): Promise<void> {
  const failed = await stage.failed('s');
  await stage.passUntil(failed.dueAtMs);
  expect(await stage.store.reap(ref(failed))).toBe('terminating');
}

export function limits(given: Given): void {
  describe('the limit of all sessions', () => {
    it.each(counted)('counts a session in %s', async (_, bring) => {
      const stage = await given({ maxSessions: 1 });
      await bring(stage);
      expect(await stage.store.tally()).toMatchObject({ counted: 1 });
      expect(await stage.enter('another', { by: bob })).toBe('session-limit');
      expect(await stage.find('another')).toBeUndefined();
    });

    it.each(uncounted)('does not count a session that is %s', async (_, bring) => {
      const stage = await given({ maxSessions: 1 });
      await bring(stage);
      expect(await stage.store.tally()).toMatchObject({ counted: 0 });
      await stage.opened('another', { by: bob });
    });

    it('lets no further session in, and does not touch those that are in', async () => {
      const stage = await given({ maxSessions: 2 });
      await stage.ready('a');
      await stage.opened('b');
      expect(await stage.enter('c')).toBe('session-limit');
      expect(await stage.enter('a')).toMatchObject({ outcome: 'found' });
      expect(await stage.enter('b')).toMatchObject({ outcome: 'found' });
      expect(await stage.store.tally()).toMatchObject({ counted: 2 });
    });

    it.each([
      ['terminating', (stage: Stage) => stage.stopped('s')],
      ['ended', (stage: Stage) => stage.ended('s')],
      ['failed past its back-off', async (stage: Stage) => stage.passUntil((await stage.failed('s')).retryAtMs)],
    ])('holds for opening a %s session again, which stays as it is', async (_, bring) => {
      const stage = await given({ maxSessions: 1 });
      await bring(stage);
      await stage.opened('another');
      const before = await stage.truth('s');
      expect(await stage.enter('s')).toBe('session-limit');
      expect(await stage.find('s')).toEqual(before);
    });

    it('does not stand in the way of the next session of one past its lifetime, whose place it takes', async () => {
      const stage = await given({ maxSessions: 1, maxSessionsPerOwner: 1 });
      const old = await stage.ready('s', { asked: { maxLifetimeMs: stage.units(2) } });
      await stage.passUntil(old.openedAtMs + stage.units(2));
      expect(await stage.opened('s')).toMatchObject({ generation: 2 });
      expect(await stage.store.tally()).toMatchObject({ counted: 1 });
    });
  });

  describe('the limit per owner', () => {
    it.each(counted)('counts a session in %s, for its owner only', async (_, bring) => {
      const stage = await given({ maxSessionsPerOwner: 1 });
      await bring(stage);
      expect(await stage.enter('another')).toBe('owner-limit');
      expect(await stage.find('another')).toBeUndefined();
      await stage.opened('of-bob', { by: bob });
    });

    it.each(uncounted)('does not count a session that is %s', async (_, bring) => {
      const stage = await given({ maxSessionsPerOwner: 1 });
      await bring(stage);
      await stage.opened('another');
    });

    it('is none when it is 0', async () => {
      const stage = await given({ maxSessionsPerOwner: 0 });
      for (const id of ['a', 'b', 'c', 'd', 'e']) await stage.opened(id);
      expect(await stage.store.tally()).toMatchObject({ counted: 5 });
    });

    it('does not mix up owners whose names look like parts of keys', async () => {
      const stage = await given({ maxSessionsPerOwner: 1 });
      const names = ['a', 'a:b', 'a|b', 'a*', '{a}', 'A', 'ä', ' a', '__proto__', 'constructor'];
      for (const [index, name] of names.entries()) {
        await stage.opened(`s${index}`, { by: caller(name) });
        expect(await stage.enter(`t${index}`, { by: caller(name) })).toBe('owner-limit');
      }
    });
  });

  describe('the count', () => {
    it('is exact after the same end was told several times', async () => {
      const stage = await given({ maxSessions: 3, maxSessionsPerOwner: 2 });
      const stopped = await stage.stopped('s');
      await stage.store.end(idOf('s'), alice);
      const left = await stage.finished(stopped, 'left');
      await stage.store.end(idOf('s'), alice);
      await stage.finished(left, 'none');
      await stage.store.end(idOf('s'), alice);
      await stage.opened('a');
      await stage.opened('b');
      expect(await stage.enter('c')).toBe('owner-limit');
      await stage.opened('c', { by: bob });
      expect(await stage.store.tally()).toMatchObject({ counted: 3 });
      expect(await stage.enter('d', { by: bob })).toBe('session-limit');
    });

    it('is exact after changes that were refused because the record had moved', async () => {
      const stage = await given();
      const first = await stage.named('s');
      await stage.store.replace(ref(first), death, 0);
      for (let again = 0; again < 3; again++) {
        await stage.store.replace(ref(first), death, 0);
        await stage.store.fail(ref(first), hopeless, stage.units(1));
        await stage.store.reap(ref(first));
      }
      expect(await stage.store.tally()).toMatchObject({ counted: 1 });
      await stage.store.fail(ref(await stage.truth('s')), hopeless, stage.units(1));
      expect(await stage.store.tally()).toMatchObject({ counted: 0 });
    });

    it('is exact through a whole life', async () => {
      const stage = await given({ maxSessions: 1 });
      const countedAfter = async (step: Promise<unknown>): Promise<number> => {
        await step;
        return (await stage.store.tally()).counted;
      };
      expect(await countedAfter(stage.failed('s'))).toBe(0);
      await stage.passUntil((await stage.truth('s')).retryAtMs);
      expect(await countedAfter(stage.healing('s'))).toBe(1);
      expect(await countedAfter(stage.madeReady(await stage.truth('s')))).toBe(1);
      expect(await countedAfter(stage.store.end(idOf('s'), alice))).toBe(0);
      expect(await countedAfter(stage.ready('s'))).toBe(1);
      expect(await countedAfter(stage.store.end(idOf('s'), alice))).toBe(0);
      const tombstone = await stage.finished(await stage.truth('s'));
      await stage.passUntil(tombstone.forgetAtMs);
      expect(await countedAfter(stage.opened('s', { by: bob }))).toBe(1);
    });
  });
}
