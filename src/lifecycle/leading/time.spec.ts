import { alice } from '../../../test/support/openings.js';
import { another, HOUR_MS, ID, IDLE_MS, started } from '../../../test/support/replica.js';

describe('time', () => {
  it('that jumps forward on the wall clock reaps no session in use', async () => {
    const reapedAt: number[] = [];
    for (let atMs = 0; atMs < 65_000; atMs += 1_000) {
      const replica = (await started()).startAtOnce();
      await replica.clock.advance(2_300);
      await replica.admit();
      await replica.clock.advance(atMs);
      replica.clock.jumpWallClock(IDLE_MS + 1_000);
      await replica.clock.advance(120_000);
      if ((await replica.state()) !== 'ready') reapedAt.push(atMs);
    }
    expect(reapedAt).toEqual([]);
  });

  it('that jumps back on the wall clock keeps no unused session', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.clock.jumpWallClock(-24 * HOUR_MS);
    await replica.clock.advance(2 * IDLE_MS);
    expect(await replica.state()).toBe('gone');
  });

  it('since the last use is no lag of the reaper when a lifetime ends', async () => {
    const replica = (await started({ maxLifetimeMs: 500_000 })).startAtOnce();
    (await replica.admit()).release();
    await replica.clock.advance(510_000);
    const text = await replica.registry.getSingleMetricAsString('session_reaper_lag_seconds');
    expect(Number(/^session_reaper_lag_seconds (\S+)$/m.exec(text)![1])).toBeLessThan(20);
  });

  it('of the last use is written when a replica stops', async () => {
    const replica = (await started()).startAtOnce();
    const open = await replica.admit();
    await replica.clock.advance(4_000);
    open.release();
    const usedAtMs = replica.clock.nowMs();
    await replica.leadership.stop();
    await replica.lifecycle.stop();
    expect((await replica.store.find(ID))!.lastUsedAtMs).toBe(usedAtMs);
  });

  it('does not matter to a replica that finds a store with its memory: it is synced', async () => {
    const replica = (await started()).startAtOnce();
    await replica.leadership.stop();
    const { lifecycle, leadership } = another(replica);
    lifecycle.start();
    await leadership.start();
    await replica.clock.advance(10_000);
    expect(await lifecycle.isSynced()).toBe(true);
  });

  it('runs for the tombstone of a session whose last pod went while nobody led', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.lingers = true;
    await replica.lifecycle.sessions.end(ID, alice);
    await replica.clock.advance(1_000);
    expect((await replica.store.find(ID))!.state).toBe('ended');
    await replica.leadership.stop();
    await replica.lifecycle.stop();
    replica.runtime.vanish(replica.pod());
    const { lifecycle, leadership } = another(replica);
    lifecycle.start();
    await leadership.start();
    await replica.clock.advance(3 * HOUR_MS);
    expect(await replica.store.find(ID)).toBeUndefined();
  });
});
