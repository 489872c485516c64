import { executed, expectProblem } from '../support/answers.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import {
  ApiRefusal,
  type ControlPlane,
  describeWithControlPlane,
  startOwnControlPlane,
} from '../support/kubernetes/index.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** A watch that is still open after so long is cut, whatever it brought. */
const WATCHDOG_MS = 45_000;
/** To list anew and to start a pod, on a machine with other things to do. */
const SLACK_MS = 20_000;

interface Status {
  code?: number;
}

describeWithControlPlane('a watch of pods', () => {
  let controlPlane: ControlPlane;
  let proxy: TcpProxy;
  let fleet: Fleet;
  let replica: BerthProcess;

  beforeAll(async () => {
    controlPlane = await startOwnControlPlane();
    proxy = await TcpProxy.to(controlPlane.url);
    fleet = await Fleet.start({ controlPlane, replicas: 0 });
    replica = await fleet.add(fleet.through(proxy.address));
    await fleet.untilLed();
  }, 90_000);
  afterAll(async () => {
    proxy?.set('pass');
    await fleet?.stop();
    proxy?.close();
    await controlPlane?.stop();
  }, 30_000);

  const watchAgeSeconds = async (): Promise<number> =>
    Number(/^session_watch_age_seconds (\S+)$/m.exec(await replica.metrics())?.[1]);
  const vanish = async (id: string): Promise<string> => {
    const { metadata } = await fleet.podOf(id);
    const path = `/api/v1/namespaces/${fleet.own.name}/pods/${metadata.name}`;
    await fleet.api.call(`${path}?gracePeriodSeconds=0`, { method: 'DELETE' });
    return metadata.uid;
  };
  const untilHealed = async (id: string, limitMs: number): Promise<void> => {
    await eventually(async () => {
      expect(await replica.status(id)).toMatchObject({ body: { state: 'ready', generation: 2 } });
    }, limitMs);
    const answer = await replica.execute(id, {});
    expect(executed(answer).executions).toBe(1);
    expect(answer.headers['x-session-generation']).toBe('2');
  };

  it('that has frozen without being closed is cut in time, and what died meanwhile is healed without a request', async () => {
    await Promise.all([replica.execute('dies-unseen', {}), replica.execute('lives-on', {})]);
    proxy.set('freeze-answers', 'open');
    const frozenAtMs = performance.now();
    await vanish('dies-unseen');
    expect(await replica.execute('lives-on', {})).toMatchObject({ status: 200, body: { executions: 2 } });
    await eventually(async () => expect(await watchAgeSeconds()).toBeGreaterThan(5), 15_000);
    expect(await replica.call('GET', '/health/ready')).toMatchObject({ status: 200 });
    // Nobody has told it, and a pod that does not answer is not a dead pod.
    expect(await replica.status('dies-unseen')).toMatchObject({ body: { state: 'ready', generation: 1 } });
    await untilHealed('dies-unseen', WATCHDOG_MS + SLACK_MS);
    expect(performance.now() - frozenAtMs).toBeLessThan(WATCHDOG_MS + SLACK_MS);
    expect(await watchAgeSeconds()).toBeLessThan(WATCHDOG_MS / 1_000);
    expect(await replica.execute('lives-on', {})).toMatchObject({ status: 200, body: { executions: 3 } });
    proxy.set('pass');
  }, 120_000);

  it('from a moment that the API server has forgotten (410) is begun anew with a list', async () => {
    await Promise.all([replica.execute('dies-untold', {}), replica.execute('lives-untold', {})]);
    const { metadata } = await fleet.api.call<{ metadata: { resourceVersion: string } }>(
      `/api/v1/namespaces/${fleet.own.name}/pods?limit=1`,
    );
    proxy.set('refuse');
    await vanish('dies-untold');
    await controlPlane.compact();
    await controlPlane.killApiServer();
    await controlPlane.startApiServer();
    expect(await codeOfWatchFrom(metadata.resourceVersion)).toBe(410);
    expect(await replica.status('dies-untold')).toMatchObject({ body: { state: 'ready', generation: 1 } });
    proxy.set('pass');
    await untilHealed('dies-untold', 30_000);
    expect(await replica.execute('lives-untold', {})).toMatchObject({ status: 200, body: { executions: 2 } });
  }, 90_000);

  it('that cannot be had lets a replica decide nothing, however many pods it does not see', async () => {
    proxy.set('refuse');
    const blind = await fleet.launch(fleet.through(proxy.address));
    expectProblem(await blind.execute('lives-on', {}), 503, 'DEPENDENCY_UNAVAILABLE');
    expect(await blind.call('GET', '/health/ready')).toMatchObject({ status: 503 });
    proxy.set('pass');
    await eventually(
      async () => expect(await blind.execute('lives-on', {})).toMatchObject({ status: 200, body: { executions: 4 } }),
      20_000,
    );
    expect(fleet.podCalls('delete')).toEqual([]);
  }, 60_000);

  /** As an answer, or as an event of a watch that was opened all the same. */
  async function codeOfWatchFrom(resourceVersion: string): Promise<number | undefined> {
    const path = `/api/v1/namespaces/${fleet.own.name}/pods?watch=1&timeoutSeconds=2&resourceVersion=${resourceVersion}`;
    try {
      const [first = '{}'] = (await fleet.api.text(path)).split('\n');
      return (JSON.parse(first) as { object?: Status }).object?.code;
    } catch (error) {
      return error instanceof ApiRefusal ? error.status : undefined;
    }
  }
});
