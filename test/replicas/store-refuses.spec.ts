import { setTimeout as pause } from 'node:timers/promises';

import { executed } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import { FleetInUse } from '../support/fleet-in-use.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { expectNoneFailed, expectOnePodEach } from '../support/load.js';
import { RedisServer } from '../support/redis-server.js';

const PASSWORD = 'the-first-one';
/** For longer than the short-lived may be idle, so that a leader who goes by the store alone would end them. */
const REFUSING_MS = 10_000;

describeWithControlPlane('three replicas under load whose store is there and', () => {
  let all: FleetInUse;
  let other: RedisServer;

  beforeAll(async () => {
    const redis = await RedisServer.start(['--requirepass', PASSWORD], { password: PASSWORD });
    [other, all] = await Promise.all([
      RedisServer.start(),
      FleetInUse.start({ redis, settings: { REDIS_PASSWORD: PASSWORD } }),
    ]);
  }, 120_000);
  afterAll(async () => {
    await all?.stop();
    await other?.remove();
  });

  const set = (name: string, value: string): Promise<unknown> => all.fleet.redis.admin.config('SET', name, value);

  it.each([
    [
      'has become a replica (READONLY)',
      () => all.fleet.redis.admin.replicaof('127.0.0.1', other.port),
      () => all.fleet.redis.admin.replicaof('NO', 'ONE'),
    ],
    [
      'has too few replicas to write to (NOREPLICAS)',
      () => set('min-replicas-to-write', '1'),
      () => set('min-replicas-to-write', '0'),
    ],
    [
      'does not know the password any more (WRONGPASS)',
      async () => {
        await set('requirepass', 'the-next-one');
        await all.fleet.redis.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await all.fleet.redis.admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      },
      () => set('requirepass', PASSWORD),
    ],
  ])(
    '%s serve every known session, open none, end none, and are whole when it takes changes again',
    async (_, refuse, accept) => {
      const before = await all.known();
      const answers = await all.underLoad(async () => {
        await all.untilReaping();
        const short = await all.shortLived(3);
        const refusesAtMs = Date.now();
        await refuse();
        await eventually(() => all.expectNoneOpened());
        await pause(REFUSING_MS);
        await all.expectNoneOpened();
        // Unused for longer than they may be, and asked for on a replica that has never served them.
        for (const id of short) expect(executed(await all.replicas[2]!.execute(id, 1)).executions).toBe(2);
        expect(all.pods.deleted(refusesAtMs)).toEqual([]);
        await accept();
        await all.untilWhole(before);
      });
      expectNoneFailed(answers);
      expectOnePodEach(answers);
      all.expectNoPodHarmed();
    },
    90_000,
  );

  it('is out of memory (OOM) serve every known session, open none, and end who is ended: that makes room', async () => {
    const before = await all.known();
    const answers = await all.underLoad(async () => {
      const short = await all.shortLived(3);
      await set('maxmemory', '1mb');
      await eventually(() => all.expectNoneOpened());
      expect(await all.replicas[1]!.end(short[0]!)).toMatchObject({ status: 204 });
      await pause(REFUSING_MS);
      for (const id of [...all.atRest]) expect(await all.replicas[2]!.execute(id, 1)).toMatchObject({ status: 200 });
      await set('maxmemory', '0');
      await all.untilWhole(before);
    });
    expectNoneFailed(answers);
    expectOnePodEach(answers);
    all.expectNoPodHarmed();
  }, 90_000);
});
