import { touchWindowMs } from '../../../src/lifecycle/deadlines.js';
import type { Session } from '../../../src/lifecycle/session.js';
import { alice } from '../../support/openings.js';
import { crash, idOf, ref, type Given, type Stage } from './stage.js';

const ADDRESS = '10.7.7.7:8080';

/** Every way in which a record lets go of the pod that requests reached. */
const lettingGo: readonly (readonly [string, (stage: Stage, holder: Session) => Promise<unknown>])[] = [
  ['its pod was replaced', (stage, holder) => stage.store.replace(ref(holder), crash, 0)],
  ['it was ended by request', (stage, holder) => stage.store.end(holder.id, alice)],
  [
    'it was ended and opened again',
    async (stage, holder) => {
      await stage.store.end(holder.id, alice);
      await stage.opened(holder.id);
    },
  ],
  [
    'it was reaped',
    async (stage, holder) => {
      await stage.passUntil(holder.dueAtMs);
      expect(await stage.store.reap(ref(holder))).toBe('terminating');
    },
  ],
  [
    'it was reaped and no pod of it is left',
    async (stage, holder) => {
      await stage.passUntil(holder.dueAtMs);
      await stage.store.reap(ref(holder));
      await stage.finished(await stage.truth(holder.id));
    },
  ],
  [
    'its lifetime was over and it was opened again',
    async (stage, holder) => {
      await stage.store.change(holder.id, alice, { maxLifetimeMs: stage.units(1) });
      await stage.passUntil(holder.openedAtMs + stage.units(1));
      await stage.opened(holder.id);
    },
  ],
];

async function markReadyAt(stage: Stage, id: string): ReturnType<Stage['store']['markReady']> {
  return stage.store.markReady(ref(await stage.truth(id)), ADDRESS);
}

export function addresses(given: Given): void {
  describe('an address', () => {
    it('is given to nobody else while a ready record names it', async () => {
      const stage = await given();
      await stage.ready('holder', { address: ADDRESS, asked: { idleTimeoutMs: stage.units(100) } });
      await stage.named('next');
      await stage.pass(stage.units(10));
      const answer = await markReadyAt(stage, 'next');
      expect(answer).toEqual({ addressHeldMs: expect.any(Number) });
      expect((answer as { addressHeldMs: number }).addressHeldMs).toBeGreaterThan(0);
      expect((await stage.truth('next')).state).toBe('creating');
      expect(await stage.truth('holder')).toMatchObject({ state: 'ready', pod: { address: ADDRESS } });
    });

    it.each(lettingGo)('is held for one touch window of the session that had it when %s', async (_, letGo) => {
      const stage = await given();
      const holder = await stage.ready('holder', { address: ADDRESS });
      await stage.named('next');
      await letGo(stage, holder);
      const windowMs = touchWindowMs(holder);
      const heldUntilMs = stage.store.nowMs() + windowMs;
      const answer = await markReadyAt(stage, 'next');
      stage.expectTime((answer as { addressHeldMs: number }).addressHeldMs, windowMs);
      await stage.passUntilJustBefore(heldUntilMs);
      expect(await markReadyAt(stage, 'next')).toEqual({ addressHeldMs: expect.any(Number) });
      await stage.passUntil(heldUntilMs);
      expect(await markReadyAt(stage, 'next')).toBe('ready');
    });

    it('is held for at most five seconds, however long the idle time-out', async () => {
      const stage = await given();
      const holder = await stage.ready('holder', { address: ADDRESS, asked: { idleTimeoutMs: 3_600_000 } });
      await stage.named('next');
      await stage.store.end(holder.id, alice);
      const answer = await markReadyAt(stage, 'next');
      stage.expectTime((answer as { addressHeldMs: number }).addressHeldMs, 5_000);
    });

    it('is held although the tombstone of the session that had it is gone', async () => {
      const stage = await given({ tombstoneMs: 1 });
      const asked = { idleTimeoutMs: stage.units(20) };
      const holder = await stage.ready('holder', { address: ADDRESS, asked });
      await stage.named('next');
      await stage.store.end(holder.id, alice);
      await stage.store.finish(ref(holder), 'none');
      await stage.pass(stage.pace.marginMs);
      expect(await stage.find('holder')).toBeUndefined();
      expect(await markReadyAt(stage, 'next')).toEqual({ addressHeldMs: expect.any(Number) });
    });

    it('is not held by a session in whose creation it was only tried', async () => {
      const stage = await given();
      await stage.ready('holder', { address: ADDRESS });
      const loser = await stage.named('loser');
      await markReadyAt(stage, 'loser');
      await stage.store.end(idOf('holder'), alice);
      await stage.store.fail(ref(loser), crash, stage.units(1));
      await stage.pass(stage.units(1));
      await stage.named('next');
      expect(await markReadyAt(stage, 'next')).toBe('ready');
    });

    it('may be had again at once by the session that had it: the hold protects it from others', async () => {
      const stage = await given();
      const holder = await stage.ready('s', { address: ADDRESS });
      await stage.store.replace(ref(holder), crash, 0);
      await stage.withPod(await stage.truth('s'));
      expect(await markReadyAt(stage, 's')).toBe('ready');
    });

    it('is told apart by its port', async () => {
      const stage = await given();
      await stage.ready('holder', { address: '127.0.0.1:4001' });
      const next = await stage.named('next');
      expect(await stage.store.markReady(ref(next), '127.0.0.1:4002')).toBe('ready');
    });

    it('answers what is true rather than how long to wait when the record has moved', async () => {
      const stage = await given();
      await stage.ready('holder', { address: ADDRESS });
      const next = await stage.named('next');
      await stage.store.replace(ref(next), crash, 0);
      expect(await stage.store.markReady(ref(next), ADDRESS)).toEqual({ moved: await stage.truth('next') });
    });
  });
}
