import type { Pod, PodAssignment } from '../../../src/lifecycle/runtime/pod.js';
import { dueAtMs } from '../../../src/lifecycle/deadlines.js';
import { alice, bob } from '../../support/openings.js';
import { pod } from '../../support/pods.js';
import { idOf, ref, type Given, type Stage } from './stage.js';
import type { StoreLimits } from '../../../src/lifecycle/store/session-store.js';

/** What a pod that outlived the store's memory says of its session. */
export function living(stage: Stage, facts: Partial<PodAssignment> = {}, shown: Partial<Pod> = {}): Pod {
  const assignment = {
    id: idOf('s'),
    owner: alice.owner,
    generation: 4,
    opening: 2,
    template: 'gpu',
    env: { LANG: 'de' },
    idleTimeoutMs: stage.idleTimeoutMs,
    maxLifetimeMs: 900_000,
    openedAtMs: stage.store.nowMs() - 5_000,
    ...facts,
  };
  return pod(assignment, { phase: 'ready', address: '10.9.0.1:8080', node: 'node-1', ...shown });
}

export function importing(given: Given): void {
  const amnesic = async (limits?: Partial<StoreLimits>): Promise<Stage> => {
    const stage = await given(limits);
    await stage.harness.loseMemory();
    return stage;
  };

  describe('an imported pod', () => {
    it('becomes the record of its session, all of it', async () => {
      const stage = await amnesic();
      const shown = living(stage);
      await stage.imported([shown]);
      const session = await stage.truth('s');
      const { id, owner, generation, opening, template, env, idleTimeoutMs, maxLifetimeMs, openedAtMs } =
        shown.assignment ?? {};
      expect(session).toMatchObject({
        ...{ id, owner, generation, opening, template, env, idleTimeoutMs, maxLifetimeMs, openedAtMs },
        state: 'ready',
        pod: { name: shown.name, uid: shown.uid, address: '10.9.0.1:8080', node: 'node-1' },
        heals: 0,
      });
    });

    it('counts as used now, whenever it was used: nobody knows better', async () => {
      const stage = await amnesic();
      const longAgoMs = stage.store.nowMs() - stage.units(1_000);
      await stage.imported([living(stage, {}, { lastUsedAtMs: longAgoMs, createdAtMs: longAgoMs })]);
      const session = await stage.truth('s');
      stage.expectTime(session.lastUsedAtMs, stage.store.nowMs());
      expect(session.dueAtMs).toBe(dueAtMs(session));
      expect(await stage.store.reap(ref(session))).toBe('not-due');
    });

    it.each(['starting', 'restarting', 'dead'] as const)('that is %s is carried on as a creation', async (phase) => {
      const stage = await amnesic();
      const shown = living(stage, {}, { phase, address: undefined });
      await stage.imported([shown]);
      const session = await stage.truth('s');
      expect(session).toMatchObject({ state: 'creating', generation: 4, pod: { name: shown.name, uid: shown.uid } });
      expect(session.startDeadlineAtMs).toBeGreaterThan(stage.store.nowMs());
      expect(session.dueAtMs).toBe(session.startDeadlineAtMs);
      await stage.madeReady(session);
    });

    it('is served, used, reaped and opened again like any other', async () => {
      const stage = await amnesic();
      await stage.imported([living(stage)]);
      expect(await stage.enter('s', { by: bob })).toBe('not-yours');
      expect(await stage.enter('s')).toMatchObject({ outcome: 'found', session: { state: 'ready', generation: 4 } });
      const session = await stage.touched('s');
      await stage.passUntil(session.dueAtMs);
      expect(await stage.store.reap(ref(session))).toBe('terminating');
      expect(await stage.opened('s')).toMatchObject({
        generation: 5,
        opening: 3,
        template: 'gpu',
        env: { LANG: 'de' },
      });
    });

    it('past its lifetime gives way to a fresh session when it is asked for', async () => {
      const stage = await amnesic();
      await stage.imported([living(stage, { maxLifetimeMs: 1_000, openedAtMs: stage.store.nowMs() - 2_000 })]);
      expect(await stage.opened('s')).toMatchObject({ generation: 5, opening: 3 });
    });

    it('holds its address', async () => {
      const stage = await amnesic();
      await stage.imported([living(stage)]);
      const next = await stage.named('next');
      expect(await stage.store.markReady(ref(next), '10.9.0.1:8080')).toEqual({ addressHeldMs: expect.any(Number) });
    });

    it('is named by its record', async () => {
      const stage = await amnesic();
      const shown = living(stage);
      await stage.imported([shown]);
      expect(await stage.store.isNamed(shown)).toBe(true);
      expect(await stage.store.isNamed({ ...shown, uid: 'another' })).toBe(false);
    });

    it('has a record newer than the one before the loss', async () => {
      const stage = await given();
      await stage.ready('s');
      const before = await stage.touched('s');
      await stage.harness.loseMemory();
      await stage.imported([stage.livingPodOf(before)]);
      expect((await stage.truth('s')).version).toBeGreaterThan(before.version);
    });
  });

  describe('of several pods of one session', () => {
    it.each([
      ['the lower first', [3, 4]],
      ['the higher first', [4, 3]],
    ])('the highest generation becomes the record: %s', async (_, order) => {
      const stage = await amnesic();
      const token = await stage.importing();
      const answers: Record<number, string> = {};
      for (const generation of order) {
        const shown = living(stage, { generation }, { address: `10.9.0.${generation}:8080` });
        answers[generation] = await stage.store.importPod(token, shown);
      }
      expect(answers).toEqual({ 4: 'imported', 3: order[0] === 4 ? 'outranked' : 'imported' });
      const uids = new Set(['uid-of-s-3', 'uid-of-s-4']);
      expect(await stage.store.finishImport(token, uids)).toBe('usable');
      expect(await stage.truth('s')).toMatchObject({ generation: 4, pod: { uid: 'uid-of-s-4' } });
      expect(await stage.store.isNamed(living(stage, { generation: 3 }))).toBe(false);
      expect(await stage.store.tally()).toMatchObject({ counted: 1 });
    });

    // A claim and a create of which nobody had heard were both done late: two pods bore witness to one generation, and the
    // import named one after the other.
    it('of one generation, the one that is named already stays', async () => {
      const stage = await amnesic();
      const token = await stage.importing();
      const first = living(stage, {}, { uid: 'first' });
      expect(await stage.store.importPod(token, first)).toBe('imported');
      expect(await stage.store.importPod(token, living(stage, {}, { uid: 'second' }))).toBe('outranked');
      expect(await stage.store.finishImport(token, new Set(['first', 'second']))).toBe('usable');
      expect(await stage.truth('s')).toMatchObject({ generation: 4, pod: { uid: 'first' } });
    });

    it('the address of the outranked one is free for another', async () => {
      const stage = await amnesic();
      await stage.imported([
        living(stage, { generation: 3 }, { address: '10.9.0.3:8080' }),
        living(stage, { generation: 4 }, { address: '10.9.0.4:8080' }),
      ]);
      const next = await stage.named('next');
      await stage.pass(stage.idleTimeoutMs);
      expect(await stage.store.markReady(ref(next), '10.9.0.3:8080')).toBe('ready');
    });

    it('the same pod may be imported twice', async () => {
      const stage = await amnesic();
      await stage.imported([living(stage), living(stage)]);
      expect(await stage.store.tally()).toMatchObject({ counted: 1 });
    });

    it.each([
      ['marked', { markedUntilMs: 1 }],
      ['being deleted', { deleting: true }],
    ])('one that is %s never becomes the record', async (_, condemned) => {
      const stage = await amnesic();
      const token = await stage.importing();
      const lower = living(stage, { generation: 3 });
      await stage.store.importPod(token, lower);
      await stage.store.importPod(token, living(stage, { generation: 4 }, condemned));
      await stage.store.importPod(token, living(stage, { id: idOf('t') }, { ...condemned, uid: 'of-t' }));
      expect(await stage.store.finishImport(token, new Set([lower.uid]))).toBe('usable');
      expect(await stage.truth('s')).toMatchObject({ state: 'ready', generation: 3, pod: { uid: lower.uid } });
      expect(await stage.find('t')).toBeUndefined();
    });
  });

  describe('the end of an import', () => {
    it('leaves an id with neither pod nor record without a past', async () => {
      const stage = await given();
      await stage.ready('s');
      await stage.harness.loseMemory();
      await stage.imported([]);
      expect(await stage.opened('s', { by: bob })).toMatchObject({ generation: 1, opening: 1, owner: bob.owner });
    });

    it('ends a ready session whose pod is not among the living', async () => {
      const stage = await amnesic();
      const token = await stage.importing();
      await stage.store.importPod(token, living(stage));
      expect(await stage.store.finishImport(token, new Set(['another']))).toBe('usable');
      expect(await stage.truth('s')).toMatchObject({ state: 'ended', generation: 4, owner: alice.owner });
      expect(await stage.store.tally()).toMatchObject({ counted: 0 });
      expect(await stage.enter('s', { by: bob })).toBe('not-yours');
      expect(await stage.opened('s')).toMatchObject({ generation: 5 });
    });

    it('lets a session in creating wait for its pod', async () => {
      const stage = await amnesic();
      const token = await stage.importing();
      await stage.store.importPod(token, living(stage, {}, { phase: 'starting', address: undefined }));
      expect(await stage.store.finishImport(token, new Set())).toBe('usable');
      expect(await stage.truth('s')).toMatchObject({ state: 'creating', generation: 4 });
    });

    it('rebuilds the limits from what was found', async () => {
      const stage = await given({ maxSessions: 3, maxSessionsPerOwner: 2 });
      for (const id of ['old1', 'old2']) await stage.ready(id);
      await stage.harness.loseMemory();
      await stage.imported([
        living(stage, { id: idOf('a') }, { address: '10.9.0.1:1' }),
        living(stage, { id: idOf('b') }, { phase: 'starting', address: undefined }),
      ]);
      expect(await stage.store.tally()).toMatchObject({ counted: 2, byState: { ready: 1, creating: 1 } });
      expect(await stage.enter('c')).toBe('owner-limit');
      await stage.opened('d', { by: bob });
      expect(await stage.enter('e', { by: bob })).toBe('session-limit');
      await stage.store.end(idOf('a'), alice);
      await stage.opened('c');
    });

    it('turns nobody away who has a pod, whatever the limits', async () => {
      const stage = await amnesic({ maxSessions: 1, maxSessionsPerOwner: 1 });
      const pods = ['a', 'b', 'c'].map((id, index) =>
        living(stage, { id: idOf(id) }, { address: `10.9.0.${index}:8080` }),
      );
      await stage.imported(pods);
      expect(await stage.store.tally()).toMatchObject({ counted: 3 });
      expect(await stage.enter('d', { by: bob })).toBe('session-limit');
    });

    it('makes the store usable: no further import is needed', async () => {
      const stage = await amnesic();
      await stage.imported([]);
      expect(await stage.store.beginImport()).toBe('not-needed');
    });
  });
}
