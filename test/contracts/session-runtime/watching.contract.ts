import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type { PodWatch } from '../../../src/lifecycle/runtime/session-runtime.js';
import { eventually } from '../../support/eventually.js';
import type { Given, Stage } from './stage.js';

interface Report {
  pod: Pod;
  gone: boolean;
}

interface Watching extends PodWatch {
  of(uid: string): Report[];
}

function watch(stage: Stage): Watching {
  const reports: Report[] = [];
  const started = stage.runtime.watch((pod, gone) => reports.push({ pod, gone }));
  return {
    ageMs: () => started.ageMs(),
    stop: () => started.stop(),
    of: (uid) => reports.filter(({ pod }) => pod.uid === uid),
  };
}

export function watching(given: Given): void {
  describe('a watch', () => {
    it('begins with the pods there are and is in sync then', async () => {
      const stage = given();
      const assigned = await stage.ready(stage.order(stage.templates.serving));
      const warm = await stage.runtime.createWarm(stage.templates.silent);
      const watched = watch(stage);
      await eventually(() => expect(watched.ageMs()).not.toBe('unsynced'));
      expect(watched.of(assigned.uid)[0]).toMatchObject({ gone: false, pod: { name: assigned.name, phase: 'ready' } });
      expect(watched.of(warm.uid)[0]).toMatchObject({ gone: false, pod: { name: warm.name } });
      await watched.stop();
    });

    it('tells of every step of a pod, and last that it is gone', async () => {
      const stage = given();
      const watched = watch(stage);
      const order = stage.order(stage.templates.serving);
      const { name, uid } = await stage.ready(order);
      await stage.marked(name, 1);
      await stage.onNow(name, (pod) => stage.runtime.delete(pod));
      await eventually(() => expect(watched.of(uid).at(-1)).toMatchObject({ gone: true }), 10_000);
      const reports = watched.of(uid);
      const stepOf = (is: (report: Report) => boolean): number => reports.findIndex(is);
      const steps = [
        stepOf(({ pod }) => pod.phase === 'starting'),
        stepOf(({ pod }) => pod.phase === 'ready' && pod.markedUntilMs === undefined),
        stepOf(({ pod }) => pod.markedUntilMs === 1 && !pod.deleting),
        stepOf(({ pod, gone }) => pod.deleting && !gone),
        stepOf(({ gone }) => gone),
      ];
      expect(steps).not.toContain(-1);
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
      expect(reports.filter(({ gone }) => gone)).toHaveLength(1);
      await watched.stop();
    });

    it('shows pods as they were when it told of them', async () => {
      const stage = given();
      const watched = watch(stage);
      const { name, uid } = await stage.created(stage.order(stage.templates.silent));
      const first = await eventually(() => {
        expect(watched.of(uid)).not.toHaveLength(0);
        return watched.of(uid)[0]!.pod;
      });
      const before = structuredClone(first);
      await stage.marked(name, 1);
      await eventually(() => expect(watched.of(uid).at(-1)!.pod.markedUntilMs).toBe(1));
      expect(first).toEqual(before);
      await watched.stop();
    });

    it('tells nothing once it is stopped, while another goes on', async () => {
      const stage = given();
      const [stopped, other] = [watch(stage), watch(stage)];
      const { name, uid } = await stage.created(stage.order(stage.templates.silent));
      await eventually(() => expect(stopped.of(uid)).not.toHaveLength(0));
      await stopped.stop();
      const told = stopped.of(uid).length;
      await stage.marked(name, 1);
      await eventually(() => expect(other.of(uid).at(-1)!.pod.markedUntilMs).toBe(1));
      expect(stopped.of(uid)).toHaveLength(told);
      await other.stop();
    });
  });
}
