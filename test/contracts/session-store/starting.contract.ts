import { RETRY_START_AFTER_MS } from '../../../src/lifecycle/store/session-store.js';
import { crash, expectMoved, ref, type Given, type Stage } from './stage.js';

/** A creation that stays open while the suite lets its retries pass. */
const patient = { startTimeoutMs: 60_000 };

async function wait(stage: Stage, id: string): Promise<number> {
  const answer = await stage.store.tryStart(ref(await stage.truth(id)));
  if (typeof answer === 'string' || !('waitMs' in answer))
    throw new Error(`expected to wait: ${JSON.stringify(answer)}`);
  return answer.waitMs;
}

export function starting(given: Given): void {
  describe('trying to start', () => {
    it('is granted to the first who asks, at once, and recorded', async () => {
      const stage = await given(patient);
      expect(await stage.store.tryStart(ref(await stage.opened('s')))).toBe('start');
      stage.expectTime((await stage.truth('s')).triedAtMs, stage.store.nowMs());
    });

    it('makes everybody else wait until the retry is due, whoever they are', async () => {
      const stage = await given(patient);
      const session = await stage.opened('s');
      const other = await stage.harness.secondReplica();
      await stage.store.tryStart(ref(session));
      const triedAtMs = (await stage.truth('s')).triedAtMs ?? NaN;
      stage.expectTime(await wait(stage, 's'), RETRY_START_AFTER_MS);
      await stage.passUntilJustBefore(triedAtMs + RETRY_START_AFTER_MS);
      expect(await other.tryStart(ref(session))).toEqual({ waitMs: expect.any(Number) });
      expect(await wait(stage, 's')).toBeLessThanOrEqual(stage.pace.marginMs);
    });

    it('is granted again to one when the retry is due, because the first may have died', async () => {
      const stage = await given(patient);
      const session = await stage.opened('s');
      await stage.store.tryStart(ref(session));
      await stage.pass(RETRY_START_AFTER_MS);
      const other = await stage.harness.secondReplica();
      expect(await other.tryStart(ref(session))).toBe('start');
      stage.expectTime(await wait(stage, 's'), RETRY_START_AFTER_MS);
    });

    it('is granted for the next generation without waiting for the retry of the last', async () => {
      const stage = await given(patient);
      const session = await stage.opened('s');
      await stage.store.tryStart(ref(session));
      await stage.store.replace(ref(session), crash, 0);
      expect(await stage.store.tryStart(ref(await stage.truth('s')))).toBe('start');
    });

    it('waits for the back-off of a heal', async () => {
      const stage = await given(patient);
      const session = await stage.ready('s');
      await stage.store.replace(ref(session), crash, stage.units(3));
      const { startNotBeforeMs } = await stage.truth('s');
      stage.expectTime(startNotBeforeMs, stage.store.nowMs() + stage.units(3));
      stage.expectTime(await wait(stage, 's'), stage.units(3));
      await stage.passUntilJustBefore(startNotBeforeMs);
      expect(await wait(stage, 's')).toBeGreaterThan(0);
      await stage.passUntil(startNotBeforeMs);
      expect(await stage.store.tryStart(ref(await stage.truth('s')))).toBe('start');
    });

    it('is refused once the pod is named', async () => {
      const stage = await given(patient);
      const named = await stage.named('s');
      await expectMoved(stage, 's', await stage.store.tryStart({ id: named.id, generation: named.generation }));
    });
  });

  describe('naming the pod', () => {
    it('records name, uid and node, and leaves the session in creating', async () => {
      const stage = await given();
      const session = await stage.opened('s');
      const pod = stage.newPod(session, { node: 'node-7' });
      expect(await stage.store.namePod(ref(session), pod)).toBe('named');
      expect(await stage.truth('s')).toMatchObject({
        state: 'creating',
        pod: { name: pod.name, uid: pod.uid, node: 'node-7' },
        startDeadlineAtMs: session.startDeadlineAtMs,
      });
    });

    it('may be done twice with the same pod, as when the first answer was lost', async () => {
      const stage = await given();
      const session = await stage.opened('s');
      const pod = stage.newPod(session);
      expect(await stage.store.namePod(ref(session), pod)).toBe('named');
      const named = await stage.truth('s');
      expect(await stage.store.namePod(ref(session), pod)).toBe('named');
      expect((await stage.truth('s')).pod).toEqual(named.pod);
    });

    it('is refused for another pod: a generation is one uid for ever', async () => {
      const stage = await given();
      const session = await stage.opened('s');
      await stage.withPod(session);
      const named = await stage.truth('s');
      await expectMoved(stage, 's', await stage.store.namePod(ref(session), stage.newPod(session)));
      expect(await stage.find('s')).toEqual(named);
    });

    it('does not need the right to start: whoever finds the pod names it', async () => {
      const stage = await given();
      const session = await stage.opened('s');
      await stage.store.tryStart(ref(session));
      const other = await stage.harness.secondReplica();
      expect(await other.namePod(ref(session), stage.newPod(session))).toBe('named');
    });
  });

  describe('marking ready', () => {
    it('makes the session one that requests reach', async () => {
      const stage = await given();
      const named = await stage.named('s');
      await stage.pass(stage.units(1));
      expect(await stage.store.markReady(ref(named), '10.1.1.1:8080')).toBe('ready');
      const session = await stage.truth('s');
      expect(session).toMatchObject({
        state: 'ready',
        generation: 1,
        pod: { ...named.pod, address: '10.1.1.1:8080' },
        openedAtMs: named.openedAtMs,
      });
      stage.expectTime(session.readyAtMs, stage.store.nowMs());
    });

    it('is refused while no pod is named', async () => {
      const stage = await given();
      const session = await stage.opened('s');
      await expectMoved(stage, 's', await stage.store.markReady(ref(session), '10.1.1.1:8080'));
      expect(await stage.truth('s')).toMatchObject({ state: 'creating' });
    });

    it('is told what is true when it was done already', async () => {
      const stage = await given();
      const ready = await stage.ready('s');
      await expectMoved(stage, 's', await stage.store.markReady(ref(ready), '10.1.1.1:8080'));
      expect(await stage.find('s')).toEqual(ready);
    });

    it('still succeeds past the start deadline, if nobody has given up', async () => {
      const stage = await given();
      const named = await stage.named('s');
      await stage.passUntil(named.startDeadlineAtMs);
      expect(await stage.store.markReady(ref(named), '10.1.1.1:8080')).toBe('ready');
    });
  });
}
