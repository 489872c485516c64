import { alice, bob } from '../../support/openings.js';
import { expectMoved, idOf, ref, type Given, type Stage } from './stage.js';

const had = { template: 'gpu', env: { LANG: 'de' }, idleTimeoutMs: 4_000, maxLifetimeMs: 900_000 };
const otherwise = { template: 'plain', env: { LANG: 'en' }, idleTimeoutMs: 6_000, maxLifetimeMs: 0 };

export function reopening(given: Given): void {
  describe('opening again', () => {
    it.each([
      ['terminating', (stage: Stage) => stage.stopped('s')],
      ['ended', (stage: Stage) => stage.ended('s')],
    ])('begins the next generation and the next opening of a %s session', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      await stage.pass(stage.units(1));
      const session = await stage.opened('s');
      expect(session).toMatchObject({ state: 'creating', generation: 2, opening: 2, owner: alice.owner, heals: 0 });
      stage.expectTime(session.openedAtMs, stage.store.nowMs());
      stage.expectTime(session.lastUsedAtMs, stage.store.nowMs());
      stage.expectTime(session.startDeadlineAtMs, stage.store.nowMs() + stage.limits.startTimeoutMs);
    });

    it('leaves nothing on the record of how it ended', async () => {
      const stage = await given();
      await stage.ended('s');
      const session = await stage.opened('s');
      expect(session.pod).toBeUndefined();
      expect(session.endedBy).toBeUndefined();
      expect(session.forgetAtMs).toBeUndefined();
      expect(session.readyAtMs).toBeUndefined();
      expect(session.triedAtMs).toBeUndefined();
      expect(session.startNotBeforeMs).toBeUndefined();
    });

    it('is no heal, whatever happened before', async () => {
      const stage = await given();
      const healed = await stage.madeReady(await stage.healing('s'));
      await stage.passUntil(healed.dueAtMs);
      expect(await stage.store.reap(ref(healed))).toBe('terminating');
      expect(await stage.opened('s')).toMatchObject({ generation: 3, opening: 2, heals: 0, crashes: 0 });
    });

    it('counts the lifetime anew', async () => {
      const stage = await given();
      const maxLifetimeMs = stage.units(6);
      const reaped = await stage.reaped('s', { asked: { maxLifetimeMs } });
      const again = await stage.ready('s');
      await stage.passUntil(reaped.openedAtMs + maxLifetimeMs);
      expect(await stage.enter('s')).toMatchObject({ outcome: 'found', session: { generation: 2 } });
      await stage.passUntil(again.openedAtMs + maxLifetimeMs);
      expect(await stage.opened('s')).toMatchObject({ generation: 3 });
    });

    it('lets go of the deletion of the old pod, which learns what is true', async () => {
      const stage = await given();
      const stopped = await stage.stopped('s');
      await stage.opened('s');
      await expectMoved(stage, 's', await stage.store.finish(ref(stopped), 'none'));
      expect(await stage.truth('s')).toMatchObject({ state: 'creating', generation: 2 });
    });

    it('makes the generation grow through openings, heals and failures alike', async () => {
      const stage = await given();
      await stage.stopped('s');
      await stage.madeReady(await stage.healing('s'));
      expect(await stage.truth('s')).toMatchObject({ generation: 3, opening: 2 });
      await stage.store.end(idOf('s'), alice);
      await stage.passUntil((await stage.failed('s')).retryAtMs);
      expect(await stage.opened('s')).toMatchObject({ generation: 5, opening: 3 });
    });
  });

  describe('what a session had', () => {
    it.each([
      ['terminating', (stage: Stage) => stage.reaped('s', { asked: { ...had, idleTimeoutMs: stage.idleTimeoutMs } })],
      [
        'ended',
        async (stage: Stage) =>
          stage.finished(await stage.reaped('s', { asked: { ...had, idleTimeoutMs: stage.idleTimeoutMs } })),
      ],
    ])('is kept when it was reaped and is asked for nothing (%s)', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      expect(await stage.opened('s', { otherwise })).toMatchObject({ ...had, idleTimeoutMs: stage.idleTimeoutMs });
    });

    it('is kept when its lifetime was over', async () => {
      const stage = await given();
      const asked = { ...had, maxLifetimeMs: stage.units(2), idleTimeoutMs: stage.idleTimeoutMs };
      const session = await stage.ready('s', { asked });
      await stage.passUntil(session.dueAtMs);
      expect(await stage.store.reap(ref(session))).toBe('terminating');
      expect(await stage.truth('s')).toMatchObject({ endedBy: 'lifetime' });
      expect(await stage.opened('s', { otherwise })).toMatchObject(asked);
    });

    it('gives way to what is asked for', async () => {
      const stage = await given();
      await stage.reaped('s', { asked: { ...had, idleTimeoutMs: stage.idleTimeoutMs } });
      const asked = { template: 'big', env: { LANG: 'fr' }, idleTimeoutMs: 5_000, maxLifetimeMs: 0 };
      expect(await stage.opened('s', { asked, otherwise })).toMatchObject(asked);
    });

    it('is kept with its time-outs as they were changed', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      const changed = { idleTimeoutMs: stage.units(2), maxLifetimeMs: 70_000 };
      await stage.store.change(session.id, alice, changed);
      await stage.passUntil((await stage.truth('s')).dueAtMs);
      expect(await stage.store.reap(ref(session))).toBe('terminating');
      expect(await stage.opened('s')).toMatchObject(changed);
    });

    it.each([
      ['terminating', (stage: Stage) => stage.stopped('s', { asked: had })],
      ['ended', (stage: Stage) => stage.ended('s', { asked: had })],
    ])('is not kept when it was ended by request (%s)', async (_, bring) => {
      const stage = await given();
      await bring(stage);
      expect(await stage.opened('s', { otherwise })).toMatchObject(otherwise);
    });

    it('may be asked for otherwise without a conflict once it was ended', async () => {
      const stage = await given();
      await stage.stopped('s', { asked: had });
      expect(await stage.opened('s', { asked: { template: 'big', env: {} } })).toMatchObject({
        template: 'big',
        env: {},
      });
    });
  });

  describe('the tombstone', () => {
    it('keeps the id for its owner until its time is over', async () => {
      const stage = await given();
      const ended = await stage.ended('s');
      stage.expectTime(ended.forgetAtMs, stage.store.nowMs() + stage.limits.tombstoneMs);
      await stage.passUntilJustBefore(ended.forgetAtMs);
      expect(await stage.enter('s', { by: bob })).toBe('not-yours');
      expect(await stage.opened('s', { by: alice })).toMatchObject({ generation: 2 });
    });

    it('leaves the id free for anyone afterwards, as if it never was', async () => {
      const stage = await given();
      await stage.passUntil((await stage.ended('s', { asked: had })).forgetAtMs);
      expect(await stage.find('s')).toBeUndefined();
      expect(await stage.opened('s', { by: bob, otherwise })).toMatchObject({
        ...otherwise,
        owner: bob.owner,
        generation: 1,
        opening: 1,
      });
    });

    it('lasts as long as a pod is left, and its time begins when none is', async () => {
      const stage = await given();
      const ended = await stage.finished(await stage.stopped('s'), 'left');
      expect(ended.forgetAtMs).toBeUndefined();
      await stage.pass(stage.limits.tombstoneMs * 2);
      expect(await stage.enter('s', { by: bob })).toBe('not-yours');
      const empty = await stage.finished(ended, 'none');
      stage.expectTime(empty.forgetAtMs, stage.store.nowMs() + stage.limits.tombstoneMs);
      await stage.passUntilJustBefore(empty.forgetAtMs);
      expect(await stage.enter('s', { by: bob })).toBe('not-yours');
      await stage.passUntil(empty.forgetAtMs);
      expect(await stage.opened('s', { by: bob })).toMatchObject({ generation: 1 });
    });

    it('does not take a session with it that was opened again', async () => {
      const stage = await given();
      const ended = await stage.ended('s');
      await stage.ready('s');
      await stage.passUntil(ended.forgetAtMs);
      await stage.pass(stage.units(1));
      expect(await stage.truth('s')).toMatchObject({ state: 'ready', generation: 2, owner: alice.owner });
    });

    it('makes the next record the newer one, although it begins at generation 1', async () => {
      const stage = await given();
      const ended = await stage.ended('s');
      await stage.passUntil(ended.forgetAtMs);
      const session = await stage.opened('s', { by: bob });
      expect(session.version).toBeGreaterThan(ended.version);
    });
  });
}
