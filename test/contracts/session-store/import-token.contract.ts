import type { StoreLimits } from '../../../src/lifecycle/store/session-store.js';
import { living } from './import.contract.js';
import { idOf, type Given, type Stage } from './stage.js';

export function importTokens(given: Given): void {
  const amnesic = async (limits?: Partial<StoreLimits>): Promise<Stage> => {
    const stage = await given(limits);
    await stage.harness.loseMemory();
    return stage;
  };

  describe('the token of an import', () => {
    it('is void once another import has begun, which judges anew what the first has left', async () => {
      const stage = await amnesic();
      const first = await stage.importing();
      await stage.store.importPod(first, living(stage));
      const second = await stage.importing();
      expect(await stage.store.importPod(first, living(stage, { id: idOf('t') }))).toBe('void');
      expect(await stage.store.finishImport(first, new Set([living(stage).uid]))).toBe('void');
      expect(await stage.store.finishImport(second, new Set())).toBe('usable');
      expect((await stage.find('s'))?.state ?? 'absent').toMatch(/^(ended|absent)$/);
      expect(await stage.find('t')).toBeUndefined();
    });

    it('is void for another replica, too', async () => {
      const stage = await amnesic();
      const first = await stage.importing();
      const other = await stage.harness.secondReplica();
      const second = await other.beginImport();
      expect(second).not.toBe('not-needed');
      expect(await stage.store.finishImport(first, new Set())).toBe('void');
      await expect(stage.store.find(idOf('s'))).rejects.toThrow();
    });

    it('is void when the store has lost its memory again', async () => {
      const stage = await amnesic();
      const token = await stage.importing();
      await stage.harness.loseMemory();
      expect(await stage.store.importPod(token, living(stage))).toBe('void');
      expect(await stage.store.finishImport(token, new Set())).toBe('void');
      await expect(stage.store.find(idOf('s'))).rejects.toThrow();
    });

    it('is void once its import is finished', async () => {
      const stage = await amnesic();
      const token = await stage.importing();
      await stage.store.finishImport(token, new Set());
      expect(await stage.store.importPod(token, living(stage))).toBe('void');
      expect(await stage.store.finishImport(token, new Set())).toBe('void');
      expect(await stage.find('s')).toBeUndefined();
    });

    it('is not to be guessed', async () => {
      const stage = await amnesic();
      await stage.importing();
      for (const token of ['', 'undefined', '1']) {
        expect(await stage.store.importPod({ token }, living(stage))).toBe('void');
        expect(await stage.store.finishImport({ token }, new Set())).toBe('void');
      }
    });
  });
}

/** A restart that keeps the records, where the store can do that. */
export function importingAfterRestart(given: Given): void {
  describe('an import into a store that kept its records', () => {
    const restarted = async (stage: Stage): Promise<void> => {
      if (!stage.harness.restart) throw new Error('the pace promises a restart that the harness does not have');
      await stage.harness.restart();
    };

    it('is needed before anything is decided', async () => {
      const stage = await given();
      await stage.ready('s');
      await restarted(stage);
      await expect(stage.store.find(idOf('s'))).rejects.toThrow();
      expect(await stage.store.beginImport()).not.toBe('not-needed');
    });

    it('ends ready sessions whose pod is not among the living, and keeps what the living show', async () => {
      const stage = await given();
      const lost = await stage.ready('lost');
      const kept = await stage.ready('kept');
      const ended = await stage.ended('ended');
      await restarted(stage);
      await stage.imported([stage.livingPodOf(kept)]);
      expect(await stage.truth('kept')).toMatchObject({ state: 'ready', generation: 1, pod: { uid: kept.pod?.uid } });
      expect(await stage.truth('lost')).toMatchObject({ state: 'ended', generation: lost.generation });
      expect(await stage.truth('ended')).toMatchObject({ state: 'ended', forgetAtMs: ended.forgetAtMs });
      expect(await stage.store.tally()).toMatchObject({ counted: 1 });
    });

    it('rebuilds the limits, creations without a pod included', async () => {
      const stage = await given({ maxSessions: 2 });
      await stage.opened('creating');
      const kept = await stage.ready('kept');
      await restarted(stage);
      await stage.imported([stage.livingPodOf(kept)]);
      expect(await stage.store.tally()).toMatchObject({ counted: 2 });
      expect(await stage.enter('third')).toBe('session-limit');
    });

    it('is void when the store restarts in its middle', async () => {
      const stage = await given();
      await restarted(stage);
      const token = await stage.importing();
      await restarted(stage);
      expect(await stage.store.finishImport(token, new Set())).toBe('void');
    });
  });
}
