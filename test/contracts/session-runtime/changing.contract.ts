import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type { SessionRuntime } from '../../../src/lifecycle/runtime/session-runtime.js';
import { assignmentOf, type Given } from './stage.js';

const LATER_MS = 1_800_000_222_000;

const changes: readonly (readonly [string, (runtime: SessionRuntime, pod: Pod) => Promise<unknown>])[] = [
  ['mark', (runtime, pod) => runtime.mark(pod, LATER_MS)],
  ['unmark', (runtime, pod) => runtime.unmark(pod)],
  ['annotate', (runtime, pod) => runtime.annotate(pod, { lastUsedAtMs: LATER_MS })],
  ['delete', (runtime, pod) => runtime.delete(pod)],
];

export function changing(given: Given): void {
  describe('a change to a pod', () => {
    it.each(changes)('is refused to %s by one who saw an earlier revision', async (_, change) => {
      const stage = given();
      const { name } = await stage.created(stage.order(stage.templates.silent));
      const seen = await stage.outdated(name);
      expect(await change(stage.runtime, seen)).toBe('changed');
      const pod = await stage.truth(name);
      expect(pod).toMatchObject({ uid: seen.uid, deleting: false });
      expect(pod.markedUntilMs).toBeUndefined();
      expect(pod.lastUsedAtMs).not.toBe(LATER_MS);
    });

    it.each(changes)('is refused to %s by one who means another pod of that name', async (_, change) => {
      const stage = given();
      const order = stage.order(stage.templates.silent);
      const first = await stage.created(order);
      await stage.deleted(first.name);
      const second = await stage.created(order);
      expect(await change(stage.runtime, { ...(await stage.truth(second.name)), uid: first.uid })).toBe('changed');
      expect(await stage.truth(second.name)).toMatchObject({ uid: second.uid, deleting: false });
    });

    it.each(changes)('finds the pod absent to %s once it is gone', async (_, change) => {
      const stage = given();
      const pod = await stage.created(stage.order(stage.templates.silent));
      await stage.deleted(pod.name);
      expect(await change(stage.runtime, pod)).toBe('absent');
    });

    it('gives it another revision each time', async () => {
      const stage = given();
      const { name, uid } = await stage.created(stage.order(stage.templates.silent));
      const revisions = [(await stage.truth(name)).revision];
      for (const lastUsedAtMs of [LATER_MS, LATER_MS + 1, LATER_MS + 2]) {
        const pod = await stage.onNow(name, (now) => stage.runtime.annotate(now, { lastUsedAtMs }));
        expect(pod).toMatchObject({ uid, lastUsedAtMs });
        revisions.push((pod as Pod).revision);
      }
      expect(new Set(revisions).size).toBe(4);
    });
  });

  describe('mark and unmark', () => {
    it('condemn a pod until then, and take it back', async () => {
      const stage = given();
      const { name } = await stage.created(stage.order(stage.templates.silent));
      expect(await stage.marked(name, LATER_MS)).toMatchObject({ name, markedUntilMs: LATER_MS, deleting: false });
      expect(await stage.truth(name)).toMatchObject({ markedUntilMs: LATER_MS, deleting: false });
      const unmarked = await stage.onNow(name, (pod) => stage.runtime.unmark(pod));
      expect(unmarked).toMatchObject({ name });
      expect((unmarked as Pod).markedUntilMs).toBeUndefined();
      expect((await stage.truth(name)).markedUntilMs).toBeUndefined();
    });

    it('do not disturb a pod that serves', async () => {
      const stage = given();
      const pod = await stage.ready(stage.order(stage.templates.serving));
      await stage.marked(pod.name, LATER_MS);
      expect(await stage.truth(pod.name)).toMatchObject({ uid: pod.uid, phase: 'ready', restarts: 0 });
      expect(await stage.harness.answers(pod)).toBe(true);
    });
  });

  describe('annotate', () => {
    it('writes time-outs and last use, and leaves the rest', async () => {
      const stage = given();
      const order = stage.order(stage.templates.silent, { env: { COLOUR: 'red' } });
      const { name } = await stage.created(order);
      await stage.onNow(name, (pod) => stage.runtime.annotate(pod, { timeouts: { idleTimeoutMs: 5_000 } }));
      await stage.onNow(name, (pod) => stage.runtime.annotate(pod, { lastUsedAtMs: LATER_MS }));
      await stage.onNow(name, (pod) => stage.runtime.annotate(pod, { timeouts: { maxLifetimeMs: 9_000 } }));
      expect(await stage.truth(name)).toMatchObject({
        lastUsedAtMs: LATER_MS,
        assignment: { ...assignmentOf(order), idleTimeoutMs: 5_000, maxLifetimeMs: 9_000 },
      });
    });

    it('is refused by a marked pod', async () => {
      const stage = given();
      const { name } = await stage.created(stage.order(stage.templates.silent));
      await stage.marked(name, LATER_MS);
      const answer = await stage.onNow(name, (pod) => stage.runtime.annotate(pod, { lastUsedAtMs: LATER_MS }));
      expect(answer).toBe('marked');
      expect((await stage.truth(name)).lastUsedAtMs).not.toBe(LATER_MS);
    });
  });
}
