import { setTimeout as pause } from 'node:timers/promises';

import { executed, expectProblem } from '../support/answers.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { openSocket, openStream } from '../support/open-uses.js';
import { PodWitness } from '../support/pod-witness.js';
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

  async function expectRefused(at: number): Promise<void> {
    const replica = at % 2 === 0 ? one : other;
    expectProblem(await replica.execute(`new-${at}`, 0), 503, 'DEPENDENCY_UNAVAILABLE');
    expectProblem(await replica.put(`put-${at}`), 503, 'DEPENDENCY_UNAVAILABLE');
    expectProblem(await replica.end('left-alone'), 503, 'DEPENDENCY_UNAVAILABLE');
    expect(await replica.call('GET', '/health/ready')).toMatchObject({ status: 200 });
    expect(await replica.call('GET', '/health')).toMatchObject({
      status: 503,
      body: { error: { store: { status: 'down' } } },
    });
  }

  it('serve who is known, refuse who is new, end nobody, and are back soon after it', async () => {
    const open = await Promise.all([openStream(one, 'stream'), openSocket(other, 'socket')]);
    await Promise.all(['busy', 'across', 'asleep', 'left-alone'].map((id) => one.execute(id, 0)));
    await Promise.all([one, other].map((replica) => replica.status('asleep')));
    const uses = [new SteadyUse(one, 'busy'), new SteadyUse(other, 'across')];

    const awayAtMs = Date.now();
    await fleet.redis.stop('SIGKILL');
    for (let at = 0; Date.now() < awayAtMs + OUTAGE_MS; at += 1) {
      await expectRefused(at);
      await pause(1_000);
    }
    // Nobody has used it for several idle timeouts, and the other replica never did.
    expect(executed(await other.execute('asleep', 1)).executions).toBe(2);
    expect(pods.writes(awayAtMs).filter(({ verb }) => verb === 'delete' || verb === 'create')).toEqual([]);
    await fleet.redis.startAgain();
    const backAtMs = Date.now();
    await eventually(async () => expect(await other.put('after')).toMatchObject({ status: 201 }), 4 * BACK_WITHIN_MS);
    expect(Date.now() - backAtMs).toBeLessThan(BACK_WITHIN_MS);
    expect(await one.execute('after', 1)).toMatchObject({ status: 200 });

    const left = ['left-alone', 'asleep', 'after'];
    await eventually(async () => {
      const answers = await Promise.all(left.map((id) => one.status(id)));
      expect(answers.map(({ status }) => status)).toEqual(left.map(() => 404));
    }, REAPED_MS);
    for (const use of uses) expectUnbroken(await use.stop());
    for (const { works } of open) await works();
    for (const id of ['busy', 'across', 'stream', 'socket']) {
      expect({ id, pods: pods.podsOf(id).length, condemned: pods.condemnedOf(id) }).toEqual({
        id,
        pods: 1,
        condemned: [],
      });
    }
    expect(pods.podsOf('asleep')).toHaveLength(1);
    open.forEach(({ close }) => close());
  }, 150_000);
});
