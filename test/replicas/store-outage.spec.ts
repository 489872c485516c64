import { setTimeout as pause } from 'node:timers/promises';

import { executed, expectProblem } from '../support/answers.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { openSocket, openStream } from '../support/open-uses.js';
import { PodWitness } from '../support/pod-witness.js';
import type { RedisServer } from '../support/redis-server.js';
import { expectUnbroken, SteadyUse } from '../support/steady-use.js';
import { writeTemplates } from '../support/templates-file.js';

const IDLE_MS = 6_000;
const OUTAGE_MS = 20_000;
const BACK_WITHIN_MS = 5_000;
const REAPED_MS = 40_000;

describeWithControlPlane('two replicas whose store is away for longer than sessions may be idle', () => {
  let fleet: Fleet;
  let pods: PodWitness;
  let one: BerthProcess;
  let other: BerthProcess;
  let round = 0;
  const named = (name: string): string => `${name}-${round}`;

  beforeAll(async () => {
    const settings = {
      IDLE_TIMEOUT_SECONDS: String(IDLE_MS / 1_000),
      CLEANUP_INTERVAL_SECONDS: '1',
      TEMPLATES_PATH: writeTemplates(),
    };
    fleet = await Fleet.start({ replicas: 2, settings });
    pods = await PodWitness.of(fleet);
    [one, other] = fleet.replicas as [BerthProcess, BerthProcess];
    await fleet.untilLed();
  }, 90_000);
  afterAll(async () => {
    await pods?.stop();
    await fleet?.stop();
  });

  /** It opens sessions again. */
  async function untilBack(replica: BerthProcess): Promise<void> {
    await eventually(
      async () => expect((await replica.put(named('after'))).status).toBeLessThan(300),
      4 * BACK_WITHIN_MS,
    );
  }

  async function expectRefused(at: number): Promise<void> {
    const replica = at % 2 === 0 ? one : other;
    expectProblem(await replica.execute(named(`new-${at}`), 0), 503, 'DEPENDENCY_UNAVAILABLE');
    expectProblem(await replica.put(named(`put-${at}`)), 503, 'DEPENDENCY_UNAVAILABLE');
    expectProblem(await replica.end(named('left-alone')), 503, 'DEPENDENCY_UNAVAILABLE');
    expect(await replica.call('GET', '/health/ready')).toMatchObject({ status: 200 });
    expect(await replica.call('GET', '/health')).toMatchObject({
      status: 503,
      body: { error: { store: { status: 'down' } } },
    });
  }

  it.each([
    [
      'killed and started again',
      (redis: RedisServer) => redis.stop('SIGKILL'),
      (redis: RedisServer) => redis.startAgain(),
    ],
    // It has lost nothing then, so that all that was not heard of for so long is due at once.
    [
      'frozen',
      (redis: RedisServer) => Promise.resolve(redis.pause()),
      (redis: RedisServer) => Promise.resolve(redis.resume()),
    ],
  ])(
    'serve who is known, refuse who is new, end nobody and are back soon when it is %s',
    async (_, takeAway, giveBack) => {
      round += 1;
      const open = await Promise.all([openStream(one, named('stream')), openSocket(other, named('socket'))]);
      const idle = ['asleep', 'left-alone'].map(named);
      await Promise.all([...idle, named('busy'), named('across')].map((id) => one.execute(id, 0)));
      const uses = [new SteadyUse(one, named('busy')), new SteadyUse(other, named('across'))];

      const awayAtMs = Date.now();
      await takeAway(fleet.redis);
      for (let at = 0; Date.now() < awayAtMs + OUTAGE_MS; at += 1) {
        await expectRefused(at);
        await pause(1_000);
      }
      // Nobody has used it for several idle timeouts, and the other replica never did.
      expect(executed(await other.execute(named('asleep'), 1)).executions).toBe(2);
      expect(pods.writes(awayAtMs).filter(({ verb }) => verb === 'delete' || verb === 'create')).toEqual([]);
      await giveBack(fleet.redis);
      const backAtMs = Date.now();
      for (const replica of [one, other]) await untilBack(replica);
      expect(Date.now() - backAtMs).toBeLessThan(BACK_WITHIN_MS);
      expect(await one.execute(named('after'), 1)).toMatchObject({ status: 200 });

      const left = [...idle, named('after')];
      await eventually(async () => {
        const answers = await Promise.all(left.map((id) => one.status(id)));
        expect(answers.map(({ status }) => status)).toEqual(left.map(() => 404));
      }, REAPED_MS);
      for (const use of uses) expectUnbroken(await use.stop());
      for (const { works } of open) await works();
      for (const id of ['busy', 'across', 'stream', 'socket'].map(named)) {
        expect({ id, pods: pods.podsOf(id).length, condemned: pods.condemnedOf(id) }).toEqual({
          id,
          pods: 1,
          condemned: [],
        });
      }
      expect(pods.podsOf(named('asleep'))).toHaveLength(1);
      open.forEach(({ close }) => close());
    },
    150_000,
  );
});
