import { setTimeout as pause } from 'node:timers/promises';

import { expectProblem } from '../support/answers.js';
import { type BerthProcess, untilReady } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet, LEASE } from '../support/fleet.js';
import {
  type ControlPlane,
  describeWithControlPlane,
  startOwnControlPlane,
  type Which,
} from '../support/kubernetes/index.js';
import { openStream, type OpenUse } from '../support/open-uses.js';
import { expectUnbroken, SteadyUse } from '../support/steady-use.js';
import { writeTemplates } from '../support/templates-file.js';

/** As long as the contract says; then, with the store away as well, a replica knows nothing any more. */
const AWAY_MS = 60_000;
/** For a machine with other things to do. */
const SLACK_MS = 15_000;
/** Passes while the API server is away. */
const START_TIMEOUT_SECONDS = 20;

describeWithControlPlane('an API server that is away for a minute', () => {
  let controlPlane: ControlPlane;
  /** One whose store stays. */
  let fleet: Fleet;
  /** One whose store goes as well. */
  let cutOff: Fleet;
  let awaySinceMs: number;
  let used: SteadyUse;
  let usedWhileCutOff: SteadyUse;
  let stream: OpenUse;
  let letBeBorn: () => void;
  /** Started while the API server is away. */
  let late: BerthProcess;

  const untilAwayFor = (ms: number): Promise<void> => pause(Math.max(0, awaySinceMs + ms - performance.now()));
  const first = (): BerthProcess => fleet.replicas[0]!;
  const second = (): BerthProcess => fleet.replicas[1]!;

  beforeAll(async () => {
    controlPlane = await startOwnControlPlane();
    const settings = { TEMPLATES_PATH: writeTemplates(), POD_CREATION_TIMEOUT: String(START_TIMEOUT_SECONDS) };
    [fleet, cutOff] = await Promise.all([
      Fleet.start({ controlPlane, settings, replicas: 2 }),
      Fleet.start({ controlPlane, settings }),
    ]);
    await Promise.all([fleet.untilLed(), cutOff.untilLed()]);
    const isUnborn: Which = ({ metadata }) => metadata.labels?.['session-id'] === 'unborn';
    letBeBorn = fleet.kubelet.fail(isUnborn, { waiting: 'ImagePullBackOff' });
    await Promise.all([first().execute('used', {}), first().execute('resting', {}), cutOff.first.execute('used', {})]);
    stream = await openStream(first(), 'streamed');
    await first().put('unborn');
    await eventually(() => fleet.podOf('unborn'));
    used = new SteadyUse(first(), 'used');
    usedWhileCutOff = new SteadyUse(cutOff.first, 'used');
    // Both replicas have heard of every pod.
    await eventually(async () => {
      for (const replica of fleet.replicas) expect(await replica.metrics()).toMatch(/^session_pods_active 4$/m);
    }, 15_000);
    awaySinceMs = performance.now();
    await Promise.all([controlPlane.killApiServer(), cutOff.redis.stop('SIGKILL')]);
  }, 120_000);

  afterAll(async () => {
    stream?.close();
    await Promise.all([used?.stop(), usedWhileCutOff?.stop()]);
    await Promise.all([fleet?.stop(), cutOff?.stop()]);
    await controlPlane?.stop();
  }, 60_000);

  it('costs its leader the lead, and nobody else leads', async () => {
    const lost = async (): Promise<void> => expect(await fleet.leader()).toBeUndefined();
    await eventually(lost, LEASE.renewDeadlineMs + SLACK_MS);
  });

  it('lets new sessions be refused in seconds, on every replica', async () => {
    const answers = await Promise.all([first().execute('new-1', {}), second().execute('new-2', {})]);
    for (const answer of answers) expectProblem(answer, 503, 'DEPENDENCY_UNAVAILABLE');
    expect(performance.now() - awaySinceMs).toBeLessThan(START_TIMEOUT_SECONDS * 1_000);
  });

  it('keeps nobody from a known session, also on a replica that has not served it', async () => {
    expect(await second().execute('resting', {})).toMatchObject({ status: 200, body: { executions: 2 } });
    expect(await second().status('resting')).toMatchObject({ status: 200, body: { state: 'ready', generation: 1 } });
    await stream.works();
  });

  it('leaves replicas ready, and shows in health and metrics', async () => {
    for (const replica of fleet.replicas) {
      expect(await replica.call('GET', '/health/ready')).toMatchObject({ status: 200 });
      const health = await replica.call('GET', '/health');
      expect(health).toMatchObject({ status: 503, body: { details: { runtime: { status: 'down' } } } });
      expect(health.text).toMatch(/ECONNREFUSED/);
      const ageSeconds = /^session_watch_age_seconds (\S+)$/m.exec(await replica.metrics())?.[1];
      expect(Number(ageSeconds)).toBeGreaterThanOrEqual((performance.now() - awaySinceMs) / 1_000 - 1);
    }
  });

  it('keeps a replica that starts meanwhile from being ready, and from deciding on what it cannot see', async () => {
    late = await fleet.launch();
    expect(await late.call('GET', '/health/ready')).toMatchObject({ status: 503 });
    expectProblem(await late.execute('resting', {}), 503, 'DEPENDENCY_UNAVAILABLE');
    expect(await late.call('GET', '/health/ready')).toMatchObject({ status: 503 });
    expect(await first().status('resting')).toMatchObject({ body: { state: 'ready', generation: 1 } });
  }, 40_000);

  it('is a reason to serve on for a replica that has no store either, for less than a minute', async () => {
    await untilAwayFor(AWAY_MS - 10_000);
    expect(await cutOff.first.call('GET', '/health/ready')).toMatchObject({ status: 200 });
    expectProblem(await cutOff.first.execute('new', {}), 503, 'DEPENDENCY_UNAVAILABLE');
    expectUnbroken(await usedWhileCutOff.stop());
  }, 80_000);

  it('makes a replica that has had no store either for a minute stop serving', async () => {
    await untilAwayFor(AWAY_MS);
    await eventually(async () => {
      expect(await cutOff.first.call('GET', '/health/ready')).toMatchObject({ status: 503 });
    }, SLACK_MS);
    // What it was told within the touch window is fresh until that is over.
    await eventually(
      async () => expectProblem(await cutOff.first.execute('used', {}), 503, 'DEPENDENCY_UNAVAILABLE'),
      SLACK_MS,
    );
    expect(await first().call('GET', '/health/ready')).toMatchObject({ status: 200 });
  }, 80_000);

  it('fails nobody whose start should have been over meanwhile', async () => {
    const { body } = await second().status('unborn');
    expect(body).toMatchObject({ state: 'creating', generation: 1 });
    // What hinders it is shown where it was seen in time; nothing has failed.
    expect([undefined, 'ImagePullBackOff']).toContain((body.lastFailure as { reason: string } | undefined)?.reason);
  });

  describe('and is back', () => {
    beforeAll(async () => {
      letBeBorn();
      await Promise.all([controlPlane.startApiServer(), cutOff.redis.startAgain()]);
    }, 60_000);

    it('finds a leader again', async () => {
      await Promise.all([fleet.untilLed(30_000), cutOff.untilLed(30_000)]);
    }, 40_000);

    it('has broken no use of a session', async () => {
      await stream.works();
      expectUnbroken(await used.stop());
    });

    it('lets every replica be ready, and healthy, by itself', async () => {
      for (const replica of [...fleet.replicas, ...cutOff.replicas]) {
        await untilReady(replica, 30_000);
        await eventually(
          async () => expect(await replica.call('GET', '/health')).toMatchObject({ status: 200 }),
          30_000,
        );
      }
      expect(await late.execute('resting', {})).toMatchObject({ status: 200, body: { executions: 3 } });
      expect(await cutOff.first.execute('used', {})).toMatchObject({
        status: 200,
        body: { executions: expect.any(Number) },
      });
    }, 80_000);

    it('serves who was refused, and who was starting', async () => {
      for (const id of ['new-1', 'new-2', 'unborn']) {
        const answer = await eventually(async () => {
          const answered = await second().execute(id, {});
          expect(answered).toMatchObject({ status: 200 });
          return answered;
        }, 30_000);
        expect(answer.headers['x-session-generation']).toBe('1');
      }
    }, 60_000);

    it('has made no pod twice, and ended none', async () => {
      const { body } = await first().status('resting');
      expect(body).toMatchObject({ state: 'ready', generation: 1 });
      const ids = ['used', 'resting', 'streamed', 'unborn', 'new-1', 'new-2'];
      const pods = await fleet.pods();
      expect(pods.map(({ metadata }) => metadata.labels['session-id']).sort()).toEqual([...ids].sort());
      expect(fleet.podsMade()).toHaveLength(ids.length);
      expect([...fleet.podCalls('delete'), ...cutOff.podCalls('delete')]).toEqual([]);
    });

    it('is told of in the log, once at its beginning and once at its end', () => {
      for (const replica of [first(), second()]) {
        const watches = replica.logLines().filter(({ path }) => String(path).endsWith('/pods'));
        expect(watches.map(({ event }) => event)).toEqual(['kubernetes.watch-broken', 'kubernetes.watch-restored']);
      }
    });
  });
});
