import { podName } from '../../../src/lifecycle/runtime/pod-name.js';
import { assignmentOf, type Given } from './stage.js';

export function creating(given: Given): void {
  describe('create', () => {
    it('makes a pod that says which session it serves, and becomes ready at its address', async () => {
      const stage = given();
      const order = stage.order(stage.templates.serving, { generation: 3, opening: 2, env: { COLOUR: 'green' } });
      const created = await stage.created(order);
      const facts = {
        name: podName(order.id, 3),
        template: order.definition.name,
        templateHash: order.definition.hash,
        assignment: assignmentOf(order),
        deleting: false,
        wasWarm: false,
        restarts: 0,
      };
      expect(created).toMatchObject(facts);
      expect(created.markedUntilMs).toBeUndefined();
      const ready = await stage.untilReady(created.name);
      expect(ready).toMatchObject({ ...facts, uid: created.uid });
      expect(ready.failure).toBeUndefined();
      expect(await stage.harness.answers(ready)).toBe(true);
    });

    it('answers long before the pod is ready', async () => {
      const stage = given();
      const pod = await stage.created(stage.order(stage.templates.silent));
      expect(pod.phase).toBe('starting');
      expect(await stage.truth(pod.name)).toMatchObject({ uid: pod.uid, phase: 'starting' });
    });

    it('adopts the pod that is already there', async () => {
      const stage = given();
      const order = stage.order(stage.templates.silent);
      const first = await stage.created(order);
      expect(await stage.runtime.create(order)).toMatchObject({ name: first.name, uid: first.uid });
    });

    it('makes one pod for all who ask at once', async () => {
      const stage = given();
      const order = stage.order(stage.templates.silent);
      const pods = await Promise.all(Array.from({ length: 8 }, () => stage.created(order)));
      expect(new Set(pods.map(({ uid }) => uid)).size).toBe(1);
      expect((await stage.names()).filter((name) => name === pods[0]!.name)).toHaveLength(1);
    });

    it('gives each generation a pod of its own', async () => {
      const stage = given();
      const order = stage.order(stage.templates.silent);
      const [first, second] = [await stage.created(order), await stage.created({ ...order, generation: 2 })];
      expect(second.uid).not.toBe(first.uid);
      expect(await stage.names()).toEqual(expect.arrayContaining([first.name, second.name]));
    });

    it('does not adopt the pod of another owner', async () => {
      const stage = given();
      const order = stage.order(stage.templates.silent);
      const first = await stage.created(order);
      expect(await stage.runtime.create({ ...order, owner: 'https://issuer.example|bob' })).toBe('name-taken');
      expect(await stage.truth(first.name)).toMatchObject({ uid: first.uid, assignment: { owner: order.owner } });
    });

    it('does not adopt a marked pod, but one whose mark was taken back', async () => {
      const stage = given();
      const order = stage.order(stage.templates.silent);
      const { name, uid } = await stage.created(order);
      await stage.marked(name);
      expect(await stage.runtime.create(order)).toBe('name-taken');
      await stage.onNow(name, (pod) => stage.runtime.unmark(pod));
      expect(await stage.runtime.create(order)).toMatchObject({ uid });
    });

    it('makes another pod of that name once the first is gone', async () => {
      const stage = given();
      const order = stage.order(stage.templates.silent);
      const first = await stage.created(order);
      await stage.deleted(first.name);
      const second = await stage.created(order);
      expect(second.name).toBe(first.name);
      expect(second.uid).not.toBe(first.uid);
    });
  });
}
