import type { Given } from './stage.js';

export function ending(given: Given): void {
  describe('delete', () => {
    it('ends a marked pod: it is no longer listed, read or answering', async () => {
      const stage = given();
      const pod = await stage.ready(stage.order(stage.templates.serving));
      expect(await stage.harness.answers(pod)).toBe(true);
      await stage.deleted(pod.name);
      expect(await stage.names()).not.toContain(pod.name);
      expect(await stage.harness.answers(pod)).toBe(false);
    });

    it('never ends an unmarked pod', async () => {
      const stage = given();
      const pod = await stage.ready(stage.order(stage.templates.serving));
      expect(await stage.runtime.delete(await stage.truth(pod.name))).toBe('changed');
      expect(await stage.truth(pod.name)).toMatchObject({ uid: pod.uid, phase: 'ready', deleting: false });
      expect(await stage.harness.answers(pod)).toBe(true);
    });

    it('does not end a pod whose mark was taken back in the meantime', async () => {
      const stage = given();
      const { name, uid } = await stage.created(stage.order(stage.templates.silent));
      const marked = await stage.marked(name);
      await stage.onNow(name, (pod) => stage.runtime.unmark(pod));
      expect(await stage.runtime.delete(marked)).toBe('changed');
      expect(await stage.truth(name)).toMatchObject({ uid, deleting: false });
    });

    it('ends warm pods, pods that are starting and pods that have crashed for good', async () => {
      const stage = given();
      const warm = await stage.runtime.createWarm(stage.templates.serving);
      const starting = await stage.created(stage.order(stage.templates.silent));
      const crashed = await stage.created(stage.order(stage.templates.crashing));
      await stage.until(crashed.name, { phase: 'dead' });
      await Promise.all([warm, starting, crashed].map(({ name }) => stage.deleted(name)));
      const names = await stage.names();
      for (const { name } of [warm, starting, crashed]) expect(names).not.toContain(name);
    });
  });
}
