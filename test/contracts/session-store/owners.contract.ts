import { admin, alice, bob, caller } from '../../support/openings.js';
import { idOf, type Given, type Stage } from './stage.js';

type Bring = readonly [state: string, bring: (stage: Stage) => Promise<unknown>];

const live: readonly Bring[] = [
  ['creating', (stage) => stage.opened('s')],
  ['ready', (stage) => stage.ready('s')],
  ['failed', (stage) => stage.failed('s')],
];
const over: readonly Bring[] = [
  ['terminating', (stage) => stage.stopped('s')],
  ['ended', (stage) => stage.ended('s')],
];

export function owners(given: Given): void {
  describe('another owner', () => {
    it.each([...live, ...over])('cannot enter a %s session, and leaves no trace', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      const before = await stage.truth('s');
      await stage.pass(stage.units(1));
      expect(await stage.enter('s', { by: bob })).toBe('not-yours');
      expect(await stage.find('s')).toEqual(before);
    });

    it.each([...live, ...over])('cannot end a %s session', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      const before = await stage.truth('s');
      expect(await stage.store.end(idOf('s'), bob)).toBe('not-yours');
      expect(await stage.find('s')).toEqual(before);
    });

    it.each(live)('cannot change the time-outs of a %s session', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      const before = await stage.truth('s');
      expect(await stage.store.change(idOf('s'), bob, { idleTimeoutMs: 1 })).toBe('not-yours');
      expect(await stage.find('s')).toEqual(before);
    });

    it('is told apart by the whole name, case and all', async () => {
      const stage = await given();
      await stage.ready('s');
      for (const owner of [alice.owner.toUpperCase(), `${alice.owner} `, alice.owner.slice(0, -1), '']) {
        expect(await stage.enter('s', { by: caller(owner) })).toBe('not-yours');
      }
    });

    it('does not become one by holding the scope of an admin without being one', async () => {
      const stage = await given();
      await stage.ready('s');
      expect(await stage.enter('s', { by: caller(bob.owner, { scopes: ['berth:admin'] }) })).toBe('not-yours');
    });
  });

  describe('an admin', () => {
    it.each(live)('enters a %s session of another, who stays its owner', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      expect(await stage.enter('s', { by: admin })).toMatchObject({
        outcome: 'found',
        session: { owner: alice.owner },
      });
    });

    it.each(over)('cannot open a %s session of another', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      expect(await stage.enter('s', { by: admin })).toBe('not-yours');
    });

    it.each(live)('ends a %s session of another', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      expect(await stage.store.end(idOf('s'), admin)).toMatchObject({
        state: 'terminating',
        endedBy: 'request',
        owner: alice.owner,
      });
    });

    it.each(live)('changes the time-outs of a %s session of another', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      expect(await stage.store.change(idOf('s'), admin, { idleTimeoutMs: 9_000 })).toMatchObject({
        idleTimeoutMs: 9_000,
        owner: alice.owner,
      });
    });

    it('owns what an admin opens', async () => {
      const stage = await given();
      expect(await stage.opened('s', { by: admin })).toMatchObject({ owner: admin.owner });
      expect(await stage.enter('s', { by: alice })).toBe('not-yours');
    });
  });
}
