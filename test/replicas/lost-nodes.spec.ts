import { executed, expectProblem } from '../support/answers.js';
import type { Answer } from '../support/berth-client.js';
import { eventually } from '../support/eventually.js';
import { Fleet, type LivePod } from '../support/fleet.js';
import { describeWithControlPlane, startTestKubelet, type TestKubelet } from '../support/kubernetes/index.js';

const HEALING_MS = 20_000;

/**
 * A node that is heard of no more. Its pods keep their last status until the node lifecycle gives them up, and then stay
 * Terminating, for nobody can say that their processes have ended.
 */
describeWithControlPlane('a pod whose node is lost', () => {
  let fleet: Fleet;
  let spare: TestKubelet;
  beforeAll(async () => {
    const settings = { CLEANUP_INTERVAL_SECONDS: '3600', SHUTDOWN_DRAIN_SECONDS: '2' };
    fleet = await Fleet.start({ replicas: 2, settings, kubelet: { mode: 'processes' } });
    spare = await startTestKubelet(fleet.own);
    await fleet.untilLed();
  }, 60_000);
  afterAll(async () => {
    await spare.stop();
    await fleet.stop();
  }, 60_000);

  const podPath = ({ metadata }: LivePod): string => `/api/v1/namespaces/${fleet.own.name}/pods/${metadata.name}`;
  const isThere = async ({ metadata }: LivePod): Promise<boolean> =>
    (await fleet.pods()).some((pod) => pod.metadata.uid === metadata.uid);
  const nodeOf = async (id: string): Promise<TestKubelet> => {
    const { uid } = (await fleet.podOf(id)).metadata;
    return [fleet.kubelet, spare].find((node) => node.pods().some((pod) => pod.uid === uid))!;
  };
  const ready = (id: string, generation: number): Promise<void> =>
    eventually(async () => {
      expect((await fleet.first.status(id)).body).toMatchObject({ state: 'ready', generation });
    }, HEALING_MS);
  /** What the node lifecycle does with a pod whose toleration of the lost node is over. */
  const giveUp = (pod: LivePod): Promise<object> => fleet.api.call(podPath(pod), { method: 'DELETE' });
  const askAll = (id: string): Promise<Answer[]> =>
    Promise.all(fleet.replicas.map((replica) => replica.execute(id, 1)));

  it('goes on to serve while its process does, until the cluster gives it up', async () => {
    await fleet.first.execute('silent', { kept: true });
    const pod = await fleet.podOf('silent');
    const node = await nodeOf('silent');
    await node.loseNode('go on');
    await fleet.api.call(`${podPath(pod)}/status`, {
      method: 'PATCH',
      contentType: 'application/strategic-merge-patch+json',
      body: { status: { conditions: [{ type: 'Ready', status: 'False', reason: 'NodeNotReady' }] } },
    });
    const answers = await askAll('silent');
    expect(answers.map((answer) => executed(answer).executions).sort()).toEqual([2, 3]);
    expect(answers.map(({ headers }) => headers['x-session-generation'])).toEqual(['1', '1']);
    node.findNode();
  }, 60_000);

  it.each(['go on', 'freeze', 'die'] as const)(
    'is replaced on another node when its processes %s, and is never asked again, also once the node is back',
    async (processes) => {
      const id = processes.replace(' ', '-');
      const before = executed(await fleet.first.execute(id, { kept: true }));
      const old = await fleet.podOf(id);
      const node = await nodeOf(id);
      await node.loseNode(processes);
      await giveUp(old);
      await ready(id, 2);
      const [one, other] = await askAll(id);
      expect([executed(one!).executions, executed(other!).executions].sort()).toEqual([1, 2]);
      expect(executed(one!).pid).not.toBe(before.pid);
      // Not deleted by force: its process may go on, and only its node can tell that it has ended.
      expect(await isThere(old)).toBe(true);
      expect((await fleet.podOf(id)).metadata.uid).not.toBe(old.metadata.uid);

      node.findNode();
      await eventually(async () => expect(await isThere(old)).toBe(false), HEALING_MS);
      const answers = await askAll(id);
      expect(answers.map((answer) => executed(answer).executions).sort()).toEqual([3, 4]);
      expect(answers.map(({ headers }) => headers['x-session-generation'])).toEqual(['2', '2']);
    },
    90_000,
  );

  it('does not keep those waiting whom it did not answer any more, once they had the drain time', async () => {
    await fleet.first.execute('hung', { kept: true });
    const old = await fleet.podOf('hung');
    const node = await nodeOf('hung');
    await node.loseNode('freeze');
    const unanswered = fleet.replicas.map((replica) => replica.execute('hung', 1));
    await eventually(async () => {
      const shown = await Promise.all(fleet.replicas.map((replica) => replica.status('hung')));
      expect(shown.map(({ body }) => body.inFlight)).toEqual([1, 1]);
    });
    await giveUp(old);
    for (const answer of await Promise.all(unanswered)) expectProblem(answer, 502, 'POD_LOST');
    await ready('hung', 2);
    node.findNode();
  }, 90_000);
});
