import { setTimeout as pause } from 'node:timers/promises';

import { FleetInUse } from '../support/fleet-in-use.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { expectNoneFailed, expectOnePodEach, type LoadAnswer } from '../support/load.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const SLOW_FOR_MS = 10_000;
/** Each way. */
const LATE_MS = 100;
/** No answer comes within the deadline of a call. */
const FAR_TOO_LATE_MS = 2_000;
const DEADLINE_MS = 2_000;

describeWithControlPlane('three replicas under load whose store', () => {
  let all: FleetInUse;
  let way: TcpProxy;
  beforeAll(async () => {
    const redis = await RedisServer.start();
    way = await TcpProxy.to(`redis://127.0.0.1:${redis.port}`);
    all = await FleetInUse.start({ redis, settings: { REDIS_PORT: way.port } });
  }, 120_000);
  afterAll(async () => {
    await all?.stop();
    way?.close();
  });

  it('answers 200 ms late serve most requests as fast as ever, and open sessions', async () => {
    const before = await all.known();
    const answers = await all.underLoad(async () => {
      way.set({ lateMs: LATE_MS });
      await pause(SLOW_FOR_MS);
      for (const replica of all.replicas) await all.untilOpened(replica);
      way.set('pass');
    });
    expectNoneFailed(answers);
    expectOnePodEach(answers);
    expect(await all.known()).toEqual(before);
    // What is in use is touched beside its requests; only what a replica has not met for a while waits for the store.
    const often = answers.filter(({ id }) => !all.usedLittle.includes(id));
    expect(shareOf(often, ({ tookMs }) => tookMs > 2 * LATE_MS)).toBeLessThan(1 / 4);
    all.expectNoPodHarmed();
  }, 90_000);

  it('answers 4 s late serve known sessions as without it, and are whole when it is fast again', async () => {
    const before = await all.known();
    const answers = await all.underLoad(async () => {
      way.set({ lateMs: FAR_TOO_LATE_MS });
      await pause(2 * DEADLINE_MS);
      await all.expectNoneOpened();
      await pause(SLOW_FOR_MS);
      way.set('pass');
      await all.untilWhole(before);
    });
    expectNoneFailed(answers);
    expectOnePodEach(answers);
    // Until it is hung up on, a request waits for it once.
    expect(shareOf(answers, ({ tookMs }) => tookMs > DEADLINE_MS)).toBeLessThan(1 / 4);
    all.expectNoPodHarmed();
  }, 90_000);
});

function shareOf(answers: readonly LoadAnswer[], which: (answer: LoadAnswer) => boolean): number {
  return answers.filter(which).length / answers.length;
}
