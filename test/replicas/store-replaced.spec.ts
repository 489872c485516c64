import { executed } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import { FleetInUse } from '../support/fleet-in-use.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { expectNoneFailed, expectOnePodEach } from '../support/load.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const COPIED_MS = 10_000;
const GONE_MS = 30_000;

describeWithControlPlane('three replicas under load whose store goes on without its last writes', () => {
  let all: FleetInUse;
  let way: TcpProxy;
  let replica: RedisServer;
  /** From the primary to its replica. */
  let copying: TcpProxy;
  beforeAll(async () => {
    const redis = await RedisServer.start();
    const primary = `redis://127.0.0.1:${redis.port}`;
    [way, copying, replica] = await Promise.all([TcpProxy.to(primary), TcpProxy.to(primary), RedisServer.start()]);
    all = await FleetInUse.start({ redis, settings: { REDIS_PORT: way.port } });
  }, 120_000);
  afterAll(async () => {
    await all?.stop();
    await replica?.remove();
    way?.close();
    copying?.close();
  });

  /** Of all that happens here the store that comes next knows nothing. */
  async function lastWrites(named: string): Promise<void> {
    const [first, second] = [`opened-${named}`, `opened-twice-${named}`];
    await all.replicas[0]!.execute(first, { kept: true }, { as: 'bob' });
    await all.replicas[1]!.end(`ended-${named}`);
    await all.replicas[2]!.end(second);
    await eventually(async () => {
      const [ended] = all.pods.podsOf(`ended-${named}`);
      expect(all.pods.isGone(ended!)).toBe(true);
      expect(await all.replicas[2]!.execute(second, 0)).toMatchObject({ status: 200, body: { executions: 1 } });
    }, GONE_MS);
  }

  async function expectLastWritesHold(named: string): Promise<void> {
    const [reader] = all.replicas;
    const opened = await reader!.execute(`opened-${named}`, 0, { as: 'bob' });
    expect(executed(opened)).toMatchObject({ executions: 2, previous: { kept: true } });
    // Still its owner's alone.
    expect(await reader!.execute(`opened-${named}`, 0)).toMatchObject({ status: 404 });
    const twice = await reader!.execute(`opened-twice-${named}`, 0);
    expect(twice).toMatchObject({ status: 200, headers: { 'x-session-generation': '2' }, body: { executions: 2 } });
    expect(await reader!.execute(`ended-${named}`, 0, { as: 'mallory' })).toMatchObject({ status: 404 });
    const again = await reader!.execute(`ended-${named}`, 0);
    expect(again).toMatchObject({ status: 200, headers: { 'x-session-generation': '2' }, body: { executions: 1 } });
  }

  it.each([
    [
      'as its file that lacks the last seconds',
      'rewound',
      () => {
        const kept = all.fleet.redis.keepFile();
        return Promise.resolve(() => all.fleet.redis.startFrom(kept));
      },
    ],
    [
      'as a replica that was promoted',
      'promoted',
      async () => {
        await replica.admin.replicaof('127.0.0.1', copying.port);
        await eventually(async () => expect(await replica.admin.exists('session:ended-promoted')).toBe(1), COPIED_MS);
        copying.set('freeze');
        return async () => {
          await all.fleet.redis.stop('SIGKILL');
          await replica.admin.replicaof('NO', 'ONE');
          way.leadTo(`redis://127.0.0.1:${replica.port}`);
        };
      },
    ],
  ])(
    '%s lose no request and no session, and learn from the pods what it lacks',
    async (_, named, prepare) => {
      const before = await all.known();
      for (const id of [`ended-${named}`, `opened-twice-${named}`]) await all.fleet.first.execute(id, 0);
      const answers = await all.underLoad(async () => {
        const loseLastWrites = await prepare();
        await lastWrites(named);
        await loseLastWrites();
        await all.untilWhole(before);
      });
      expectNoneFailed(answers);
      expectOnePodEach(answers);
      expect(await all.known()).toEqual(before);
      await expectLastWritesHold(named);
      all.expectNoPodHarmed();
    },
    120_000,
  );
});
