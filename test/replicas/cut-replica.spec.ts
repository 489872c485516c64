import { setTimeout as pause } from 'node:timers/promises';

import { expectProblem } from '../support/answers.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { LEASE } from '../support/fleet.js';
import { FleetInUse } from '../support/fleet-in-use.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { expectNoneFailed, expectOnePodEach } from '../support/load.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const CUT_MS = 15_000;
/** What it was told within the touch window is fresh until that is over. */
const TOUCH_WINDOW_MS = 5_000;
/** A replica may go by what it knows for a minute from when it last heard anything, which is a touch ago. */
const KNOWS_MS = 60_000;
const KNOWS_AT_LEAST_MS = KNOWS_MS - TOUCH_WINDOW_MS - 1_000;
/** For a machine with other things to do. */
const SLACK_MS = 15_000;
const BACK_MS = 40_000;

interface Ways {
  store: TcpProxy;
  api: TcpProxy;
}

describeWithControlPlane('one of three replicas under load', () => {
  let all: FleetInUse;
  let leader: BerthProcess;
  let others: BerthProcess[];
  const ways: Ways[] = [];
  const waysOf = (replica: BerthProcess): Ways => ways[all.replicas.indexOf(replica)]!;

  beforeAll(async () => {
    all = await FleetInUse.start({
      settingsOf: async (fleet, at) => {
        const redis = await TcpProxy.to(`redis://127.0.0.1:${fleet.redis.port}`);
        ways[at] = { store: redis, api: await TcpProxy.to(fleet.own.controlPlane.url) };
        return { REDIS_PORT: redis.port, ...fleet.through(ways[at].api.address) };
      },
    });
  }, 120_000);
  beforeEach(async () => {
    leader = await all.fleet.untilLed(BACK_MS);
    others = all.fleet.others(leader);
  }, BACK_MS);
  afterAll(async () => {
    await all?.stop();
    for (const { store, api } of ways) [store, api].forEach((way) => way.close());
  });

  it('that is cut off from Kubernetes serves whom it knows, gives up the lead, and is whole when it is back', async () => {
    const before = await all.known();
    const answers = await all.underLoad(async () => {
      waysOf(leader).api.set('freeze');
      await eventually(
        async () => {
          expect(others).toContain(await all.fleet.leader(others));
        },
        4 * LEASE.durationMs + SLACK_MS,
      );
      const opened = await all.untilOpened(others[0]!);
      // It is told of the pod by nobody, and sends nothing to where it cannot look.
      expectProblem(await leader.execute(opened, 0), 503, 'DEPENDENCY_UNAVAILABLE');
      await pause(CUT_MS);
      expect(await leader.call('GET', '/health/ready')).toMatchObject({ status: 200 });
      expect(await leader.metrics()).toMatch(/^session_is_leader 0$/m);
      waysOf(leader).api.set('pass');
      await eventually(async () => expect(await leader.execute(opened, 0)).toMatchObject({ status: 200 }), BACK_MS);
      await all.untilWhole(before);
    });
    expectNoneFailed(answers);
    expectOnePodEach(answers);
    all.expectNoPodHarmed();
  }, 150_000);

  it('that is cut off from both stops serving after a minute and is not ready, and comes back by itself', async () => {
    const before = await all.known();
    const [cut, whole] = [others[0]!, all.fleet.others(others[0]!)] as const;
    let cutAtMs = 0;
    let stoppedAtMs = 0;
    let passedAtMs = 0;
    const answers = await all.underLoad(async () => {
      cutAtMs = Date.now();
      waysOf(cut).store.set('refuse');
      waysOf(cut).api.set('freeze');
      await pause(2 * TOUCH_WINDOW_MS);
      // The others go on with the session elsewhere: what it was is not there any more.
      await whole[0]!.end('rest-0');
      await eventually(
        async () => expect(await whole[1]!.execute('rest-0', 0)).toMatchObject({ status: 200 }),
        SLACK_MS,
      );
      expect([502, 503, 504]).toContain((await cut.execute('rest-0', 0)).status);
      await eventually(async () => {
        expect(await cut.call('GET', '/health/ready')).toMatchObject({ status: 503 });
      }, KNOWS_MS + SLACK_MS);
      expect(Date.now() - cutAtMs).toBeGreaterThan(KNOWS_AT_LEAST_MS);
      await pause(TOUCH_WINDOW_MS + 1_000);
      stoppedAtMs = Date.now();
      await pause(TOUCH_WINDOW_MS);
      passedAtMs = Date.now();
      Object.values(waysOf(cut)).forEach((way: TcpProxy) => way.set('pass'));
      await eventually(
        async () => expect(await cut.call('GET', '/health/ready')).toMatchObject({ status: 200 }),
        BACK_MS,
      );
      await eventually(async () => expect(await cut.execute('rest-0', 0)).toMatchObject({ status: 200 }), BACK_MS);
      await eventually(async () => expect(await all.known(cut)).toEqual(await all.known(whole[0])), BACK_MS);
    });

    expectNoneFailed(answers.filter(({ asked }) => asked !== cut.url));
    const ofCut = answers.filter(({ asked }) => asked === cut.url);
    expectNoneFailed(ofCut.filter(({ sentAtMs }) => sentAtMs < cutAtMs + KNOWS_AT_LEAST_MS));
    const refused = ofCut.filter(({ sentAtMs }) => sentAtMs > stoppedAtMs && sentAtMs < passedAtMs);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter(({ status, retryAfter }) => status !== 503 || !(Number(retryAfter) > 0))).toEqual([]);
    expectOnePodEach(answers);
    const lasting = (facts: readonly { id?: unknown }[]): object[] => facts.filter(({ id }) => id !== 'rest-0');
    expect(lasting(await all.known())).toEqual(lasting(before));
    all.expectNoPodHarmed([...all.used, 'rest-1', 'rest-2', ...all.bobs]);
  }, 200_000);
});
