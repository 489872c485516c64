import { assignmentOf, type Given } from './stage.js';

export function claiming(given: Given): void {
  describe('a warm pod', () => {
    it('serves nobody and becomes ready', async () => {
      const stage = given();
      const [one, other] = [
        await stage.runtime.createWarm(stage.templates.serving),
        await stage.runtime.createWarm(stage.templates.silent),
      ];
      expect(one.name).not.toBe(other.name);
      expect(one).toMatchObject({ wasWarm: true, template: stage.templates.serving.name });
      const ready = await stage.untilReady(one.name);
      expect(ready.assignment).toBeUndefined();
      expect(await stage.names()).toEqual(expect.arrayContaining([one.name, other.name]));
    });

    it('is assigned by a claim and stays the pod that it was', async () => {
      const stage = given();
      const warm = await stage.untilReady((await stage.runtime.createWarm(stage.templates.serving)).name);
      const order = stage.order(stage.templates.serving, { generation: 4 });
      const claimed = await stage.onNow(warm.name, (pod) => stage.runtime.claim(pod, order));
      const facts = {
        name: warm.name,
        uid: warm.uid,
        address: warm.address,
        wasWarm: true,
        assignment: assignmentOf(order),
      };
      expect(claimed).toMatchObject(facts);
      expect(await stage.truth(warm.name)).toMatchObject({ ...facts, phase: 'ready', restarts: 0 });
    });

    it('is claimed by one of two who want it', async () => {
      const stage = given();
      const { name } = await stage.runtime.createWarm(stage.templates.serving);
      await stage.untilReady(name);
      const orders = [stage.order(stage.templates.serving), stage.order(stage.templates.serving)];
      const answers = await stage.onNow(name, async (warm) => {
        const both = await Promise.all(orders.map((order) => stage.runtime.claim(warm, order)));
        return both.every((answer) => answer === 'changed') ? 'changed' : both;
      });
      if (answers === 'changed') throw new Error('the pod changes all the time');
      expect(answers.filter((answer) => answer === 'changed')).toHaveLength(1);
      const winner = orders[answers[0] === 'changed' ? 1 : 0]!;
      expect((await stage.truth(name)).assignment?.id).toBe(winner.id);
    });

    it('is not claimed again, marked or gone', async () => {
      const stage = given();
      const order = stage.order(stage.templates.silent);
      const { name } = await stage.runtime.createWarm(stage.templates.silent);
      await stage.onNow(name, (pod) => stage.runtime.claim(pod, order));
      const claimed = await stage.truth(name);
      expect(await stage.runtime.claim(claimed, stage.order(stage.templates.silent))).toBe('changed');
      expect((await stage.truth(name)).assignment?.id).toBe(order.id);

      const marked = await stage.marked((await stage.runtime.createWarm(stage.templates.silent)).name);
      expect(await stage.runtime.claim(marked, order)).toBe('changed');
      await stage.deleted(marked.name);
      expect(await stage.runtime.claim(marked, order)).toBe('absent');
    });
  });
}
