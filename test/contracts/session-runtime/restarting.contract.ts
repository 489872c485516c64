import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import { eventually } from '../../support/eventually.js';
import type { Given } from './stage.js';

export function restarting(given: Given): void {
  describe('a process that ends by itself', () => {
    it('is started again inside the same pod', async () => {
      const stage = given();
      const pod = await stage.ready(stage.order(stage.templates.serving));
      const phases: Pod['phase'][] = [];
      const watch = stage.runtime.watch((seen) => {
        if (seen.uid === pod.uid) phases.push(seen.phase);
      });
      await stage.harness.crash(pod);
      const again = await stage.until(pod.name, { phase: 'ready', restarts: 1 });
      expect(again).toMatchObject({ uid: pod.uid, address: pod.address, assignment: pod.assignment, deleting: false });
      expect(again.failure).toBeUndefined();
      expect(await stage.harness.answers(again)).toBe(true);
      await eventually(() => expect(phases).toEqual(expect.arrayContaining(['restarting', 'ready'])));
      expect(phases.lastIndexOf('restarting')).toBeLessThan(phases.lastIndexOf('ready'));
      await watch.stop();
    });

    it('leaves the pod dead, crashed, when it does so in a loop, and its last words are told', async () => {
      const stage = given();
      const { name, uid } = await stage.created(stage.order(stage.templates.crashing));
      const dead = await stage.until(name, { phase: 'dead' });
      expect(dead).toMatchObject({ uid, crashed: true, failure: { reason: 'CrashLoopBackOff' } });
      expect(dead.failure!.message).toContain('last words');
      expect(dead.restarts).toBeGreaterThanOrEqual(2);
      expect(await stage.names()).toContain(name);
    });
  });
}
