import type { Env } from '../../../src/lifecycle/session.js';
import { alice, bob } from '../../support/openings.js';
import { type Given, type Stage } from './stage.js';

export function entering(given: Given): void {
  describe('a first request', () => {
    it('opens an absent session, whose pod has still to be made', async () => {
      const stage = await given();
      const entered = await stage.enter('s', { by: alice });
      expect(entered).toMatchObject({
        outcome: 'opened',
        session: { id: 's', owner: alice.owner, state: 'creating', generation: 1, opening: 1, heals: 0 },
      });
      const session = await stage.truth('s');
      expect(entered).toEqual({ outcome: 'opened', session });
      expect(session.pod).toBeUndefined();
      expect(session.endedBy).toBeUndefined();
    });

    it('begins all its times now, by the clock of the store', async () => {
      const stage = await given();
      await stage.pass(stage.units(3));
      const session = await stage.opened('s');
      const nowMs = stage.store.nowMs();
      stage.expectTime(session.openedAtMs, nowMs);
      stage.expectTime(session.lastUsedAtMs, nowMs);
      stage.expectTime(session.startDeadlineAtMs, nowMs + stage.limits.startTimeoutMs);
      expect(session.dueAtMs).toBe(session.startDeadlineAtMs);
    });

    it('takes what was asked for', async () => {
      const stage = await given();
      const asked = { template: 'gpu', env: { LANG: 'de' }, idleTimeoutMs: 7_000, maxLifetimeMs: 70_000 };
      expect(await stage.opened('s', { asked })).toMatchObject(asked);
    });

    it('takes for what was not asked what holds otherwise', async () => {
      const stage = await given();
      const otherwise = { template: 'plain', env: { LANG: 'en' }, idleTimeoutMs: 8_000, maxLifetimeMs: 80_000 };
      expect(await stage.opened('s', { asked: { template: 'gpu', maxLifetimeMs: 0 }, otherwise })).toMatchObject({
        ...otherwise,
        template: 'gpu',
        maxLifetimeMs: 0,
      });
    });
  });

  describe('a request to a live session', () => {
    it('is shown a session in creating as it is', async () => {
      const stage = await given();
      const before = await stage.named('s');
      await stage.pass(stage.units(1));
      const entered = await stage.enter('s');
      expect(entered).toMatchObject({ outcome: 'found' });
      const { state, generation, opening, pod, startDeadlineAtMs, openedAtMs } = before;
      expect(entered).toMatchObject({ session: { state, generation, opening, pod, startDeadlineAtMs, openedAtMs } });
    });

    it('touches a ready session and is told its pod, address and generation', async () => {
      const stage = await given();
      const before = await stage.ready('s', { address: '10.1.2.3:8080' });
      await stage.pass(stage.units(1));
      const entered = await stage.enter('s');
      const session = await stage.truth('s');
      expect(entered).toEqual({ outcome: 'found', session });
      expect(session).toMatchObject({
        state: 'ready',
        generation: 1,
        opening: 1,
        requests: before.requests,
        pod: { uid: before.pod?.uid, name: before.pod?.name, address: '10.1.2.3:8080' },
      });
      stage.expectTime(session.lastUsedAtMs, stage.store.nowMs());
      stage.expectTime(session.dueAtMs, stage.store.nowMs() + stage.idleTimeoutMs);
    });

    it('is served although the session is idle long enough to be reaped, as long as it is not', async () => {
      const stage = await given();
      await stage.passUntil((await stage.ready('s')).dueAtMs);
      expect(await stage.enter('s')).toMatchObject({ outcome: 'found', session: { state: 'ready', generation: 1 } });
    });

    it('is shown a failed session within its back-off, with the reason', async () => {
      const stage = await given();
      const failed = await stage.failed('s');
      await stage.passUntilJustBefore(failed.retryAtMs);
      expect(await stage.enter('s')).toMatchObject({
        outcome: 'found',
        session: { state: 'failed', generation: 1, lastFailure: failed.lastFailure, retryAtMs: failed.retryAtMs },
      });
    });

    it('tries a failed session again past its back-off: next generation of the same opening', async () => {
      const stage = await given();
      const failed = await stage.failed('s');
      await stage.passUntil(failed.retryAtMs);
      const session = await stage.opened('s');
      expect(session).toMatchObject({ state: 'creating', generation: 2, opening: 1, openedAtMs: failed.openedAtMs });
      expect(session.pod).toBeUndefined();
      expect(session.retryAtMs).toBeUndefined();
      stage.expectTime(session.startDeadlineAtMs, stage.store.nowMs() + stage.limits.startTimeoutMs);
    });
  });

  describe('a request past the lifetime of a ready session', () => {
    const life = (stage: Stage): number => stage.units(2);
    const shortLived = async (stage: Stage) => stage.ready('s', { asked: { maxLifetimeMs: life(stage) } });

    it('gets a fresh session: next generation, next opening, without the old pod', async () => {
      const stage = await given();
      const old = await shortLived(stage);
      await stage.passUntil(old.openedAtMs + life(stage));
      const session = await stage.opened('s');
      expect(session).toMatchObject({ state: 'creating', generation: 2, opening: 2 });
      expect(session.pod).toBeUndefined();
      expect(session.readyAtMs).toBeUndefined();
      stage.expectTime(session.openedAtMs, stage.store.nowMs());
      expect(session.maxLifetimeMs).toBe(life(stage));
    });

    it('is served by the old one until then', async () => {
      const stage = await given();
      const old = await shortLived(stage);
      await stage.passUntilJustBefore(old.openedAtMs + life(stage));
      expect(await stage.enter('s')).toMatchObject({ outcome: 'found', session: { state: 'ready', generation: 1 } });
    });

    it('counts the lifetime from the opening, not from a heal', async () => {
      const stage = await given();
      const healing = await stage.healing('s', { asked: { maxLifetimeMs: life(stage) } });
      await stage.pass(stage.units(1));
      await stage.madeReady(healing);
      await stage.passUntil(healing.openedAtMs + life(stage));
      expect(await stage.opened('s')).toMatchObject({ generation: 3, opening: 2 });
    });

    it('never comes when the lifetime is 0', async () => {
      const stage = await given();
      await stage.ready('s', { asked: { maxLifetimeMs: 0, idleTimeoutMs: stage.units(100) } });
      await stage.pass(stage.units(20));
      expect(await stage.enter('s')).toMatchObject({ outcome: 'found', session: { generation: 1 } });
    });
  });

  describe('asking a live session for something else', () => {
    const asked = { template: 'gpu', env: { LANG: 'de', ZONE: 'b' } };
    const live = [
      ['creating', (stage: Stage) => stage.opened('s', { asked })],
      ['ready', (stage: Stage) => stage.ready('s', { asked })],
      ['failed', (stage: Stage) => stage.failed('s', { asked })],
    ] as const;

    it.each(live)(
      'is a conflict for a %s session asked for another template, and changes nothing',
      async (_, bring) => {
        const stage = await given();
        const before = await bring(stage);
        await stage.pass(stage.units(1));
        expect(await stage.enter('s', { asked: { ...asked, template: 'other' } })).toBe('conflict');
        expect(await stage.find('s')).toEqual(before);
      },
    );

    it.each(live)('is a conflict for a %s session asked for another environment', async (_, bring) => {
      const stage = await given();
      const before = await bring(stage);
      const others: Env[] = [{}, { LANG: 'de' }, { ...asked.env, LANG: 'fr' }, { ...asked.env, MORE: '1' }];
      for (const env of others) {
        expect(await stage.enter('s', { asked: { env } })).toBe('conflict');
      }
      expect(await stage.find('s')).toEqual(before);
    });

    it.each(live)('is none for a %s session asked for what it is', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      const sameInOtherOrder = { template: 'gpu', env: { ZONE: 'b', LANG: 'de' } };
      expect(await stage.enter('s', { asked: sameInOtherOrder })).toMatchObject({ outcome: 'found' });
    });

    it.each(live)('is none for a %s session asked for nothing, whatever holds otherwise', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      const otherwise = { template: 'plain', env: { LANG: 'en' } };
      expect(await stage.enter('s', { otherwise })).toMatchObject({ outcome: 'found', session: asked });
    });

    it('is a conflict for a failed session past its back-off, too', async () => {
      const stage = await given();
      await stage.passUntil((await stage.failed('s', { asked })).retryAtMs);
      expect(await stage.enter('s', { asked: { template: 'other' } })).toBe('conflict');
    });

    it('tells another owner only that the session is not theirs', async () => {
      const stage = await given();
      await stage.ready('s', { asked });
      expect(await stage.enter('s', { by: bob, asked: { template: 'other' } })).toBe('not-yours');
    });
  });
}
