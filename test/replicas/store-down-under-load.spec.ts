import { setTimeout as pause } from 'node:timers/promises';

import { executed } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import { FleetInUse } from '../support/fleet-in-use.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { expectNoneFailed, expectOnePodEach } from '../support/load.js';

const PER_SECOND = 60;
const OUTAGE_MS = 30_000;
const BACK_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 5_000;
const REAPED_MS = 40_000;

describeWithControlPlane('three replicas under load whose store', () => {
  let all: FleetInUse;
  beforeAll(async () => void (all = await FleetInUse.start({ perSecond: PER_SECOND })), 120_000);
  afterAll(() => all?.stop());

  it('is killed for 30 s serve every known session, open none, end none, and are whole 5 s after its return', async () => {
    const before = await all.known();
    let wholeAfterMs = Infinity;
    const answers = await all.underLoad(async () => {
      const short = await all.shortLived(3);
      await all.fleet.redis.stop('SIGKILL');
      const awayAtMs = Date.now();
      for (let at = 0; Date.now() < awayAtMs + OUTAGE_MS; at += 1) {
        await all.expectNoneOpened();
        await pause(LOOK_EVERY_MS);
      }
      // Idle for several times as long as it may be, and asked for on a replica that has never served it.
      expect(executed(await all.replicas[2]!.execute(short[0]!, 1)).executions).toBe(2);
      expect(all.pods.deleted(awayAtMs)).toEqual([]);
      const returnsAtMs = performance.now();
      await all.fleet.redis.startAgain();
      wholeAfterMs = await all.untilWhole(before, returnsAtMs);
      // Those whom nobody uses are ended after all: had it been sooner, it would have been seen.
      const names = short.flatMap((id) => all.pods.podsOf(id));
      await eventually(() => expect(names.every((name) => all.pods.isGone(name))).toBe(true), REAPED_MS);
    });

    expectNoneFailed(answers);
    expectOnePodEach(answers);
    expect(wholeAfterMs).toBeLessThan(BACK_WITHIN_MS);
    all.expectNoPodHarmed();
  }, 180_000);

  it('is flushed answer every known session, and every session stays what it was', async () => {
    const before = await all.known();
    const answers = await all.underLoad(async () => {
      for (let round = 0; round < 2; round += 1) {
        await all.fleet.redis.admin.flushall();
        await all.untilWhole(before);
      }
    });
    expectNoneFailed(answers);
    expectOnePodEach(answers);
    expect(await all.known()).toEqual(before);
    all.expectNoPodHarmed();
  }, 90_000);
});
