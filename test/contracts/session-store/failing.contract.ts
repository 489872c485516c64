import { STEADY_AFTER_MS } from '../../../src/lifecycle/deadlines.js';
import type { Pace } from './harness.js';
import { crash, death, hopeless, ref, type Given, type Stage } from './stage.js';

const replaced = async (stage: Stage, ...how: [typeof crash, number?]) => {
  const answer = await stage.store.replace(ref(await stage.truth('s')), how[0], how[1] ?? 0);
  if ('moved' in answer) throw new Error('the session was not replaced');
  return answer;
};

export function failing(given: Given, pace: Pace): void {
  describe('replacing a dead pod', () => {
    it('begins the next generation of the same opening, without a pod, and says why', async () => {
      const stage = await given();
      const old = await stage.ready('s');
      await stage.pass(stage.units(1));
      const session = await replaced(stage, crash);
      expect(session).toEqual(await stage.truth('s'));
      expect(session).toMatchObject({
        state: 'creating',
        generation: 2,
        opening: 1,
        openedAtMs: old.openedAtMs,
        owner: old.owner,
        template: old.template,
        heals: 1,
        crashes: 1,
        lastFailure: { reason: crash.reason, message: crash.message },
      });
      expect(session.pod).toBeUndefined();
      expect(session.readyAtMs).toBeUndefined();
      stage.expectTime(session.lastFailure?.atMs, stage.store.nowMs());
      stage.expectTime(session.startDeadlineAtMs, stage.store.nowMs() + stage.limits.startTimeoutMs);
    });

    it('does not give a creation more time than it had', async () => {
      const stage = await given();
      const creating = await stage.named('s');
      await stage.pass(stage.units(1));
      const session = await replaced(stage, death);
      expect(session).toMatchObject({
        state: 'creating',
        generation: 2,
        startDeadlineAtMs: creating.startDeadlineAtMs,
      });
    });

    it('is not use: the session is due as if its pod had lived', async () => {
      const stage = await given();
      const old = await stage.ready('s');
      await stage.pass(stage.units(1));
      expect((await replaced(stage, death)).lastUsedAtMs).toBe(old.lastUsedAtMs);
      await stage.pass(stage.units(1));
      expect(await stage.madeReady(await stage.truth('s'))).toMatchObject({
        lastUsedAtMs: old.lastUsedAtMs,
        dueAtMs: old.dueAtMs,
      });
    });

    it('counts heals in a row, and among them the crashes', async () => {
      const stage = await given();
      await stage.ready('s');
      expect(await replaced(stage, crash)).toMatchObject({ heals: 1, crashes: 1 });
      await stage.madeReady(await stage.truth('s'));
      expect(await replaced(stage, death)).toMatchObject({ heals: 2, crashes: 1 });
      expect(await replaced(stage, crash)).toMatchObject({ heals: 3, crashes: 2, generation: 4 });
    });

    if (pace.longestWaitMs < STEADY_AFTER_MS) return;

    it('counts anew after 60 s of Ready', async () => {
      const stage = await given();
      await stage.ready('s', { asked: { idleTimeoutMs: 600_000 } });
      await replaced(stage, crash);
      await stage.madeReady(await replaced(stage, crash));
      await stage.pass(STEADY_AFTER_MS);
      expect(await replaced(stage, death)).toMatchObject({ heals: 1, crashes: 0 });
    });

    it('does not count anew a moment before that', async () => {
      const stage = await given();
      await stage.ready('s', { asked: { idleTimeoutMs: 600_000 } });
      const again = await stage.madeReady(await replaced(stage, crash));
      await stage.passUntilJustBefore((again.readyAtMs ?? NaN) + STEADY_AFTER_MS);
      expect(await replaced(stage, crash)).toMatchObject({ heals: 2, crashes: 2 });
    });
  });

  describe('failing', () => {
    it('says why and from when on the owner may try again', async () => {
      const stage = await given();
      const creating = await stage.named('s');
      expect(await stage.store.fail(ref(creating), hopeless, stage.units(3))).toBe('failed');
      const session = await stage.truth('s');
      const { reason, message } = hopeless;
      expect(session).toMatchObject({ state: 'failed', generation: 1, opening: 1, failures: 1 });
      expect(session.lastFailure).toMatchObject({ reason, message });
      stage.expectTime(session.lastFailure?.atMs, stage.store.nowMs());
      stage.expectTime(session.retryAtMs, stage.store.nowMs() + stage.units(3));
    });

    it('is possible before any pod was named', async () => {
      const stage = await given();
      expect(await stage.store.fail(ref(await stage.opened('s')), hopeless, stage.units(1))).toBe('failed');
    });

    it('counts the failures in a row', async () => {
      const stage = await given();
      await stage.passUntil((await stage.failed('s', { backOffMs: stage.units(1) })).retryAtMs);
      await stage.passUntil((await stage.failed('s', { backOffMs: stage.units(1) })).retryAtMs);
      expect(await stage.failed('s')).toMatchObject({ failures: 3, generation: 3, opening: 1 });
    });

    it('leaves a session that is reaped after its idle time-out, so that its owner can still read why', async () => {
      const stage = await given();
      const creating = await stage.named('s');
      await stage.pass(stage.units(3));
      await stage.store.fail(ref(creating), hopeless, stage.units(1));
      const failed = await stage.truth('s');
      stage.expectTime(failed.dueAtMs, stage.store.nowMs() + stage.idleTimeoutMs);
      await stage.passUntilJustBefore(failed.dueAtMs);
      expect(await stage.store.reap(ref(failed))).toBe('not-due');
      await stage.passUntil(failed.dueAtMs);
      expect(await stage.store.reap(ref(failed))).toBe('terminating');
      expect(await stage.truth('s')).toMatchObject({ state: 'terminating', endedBy: 'idle' });
    });
  });
}
