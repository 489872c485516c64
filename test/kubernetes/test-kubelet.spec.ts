import { request } from 'undici';

import { eventually } from '../support/eventually.js';
import {
  describeWithControlPlane,
  ownNamespace,
  PodsByHand,
  slow,
  startTestKubelet,
  type Json,
  type KubeletPod,
  type OwnNamespace,
  type ShownPod,
  type TestKubelet,
} from '../support/kubernetes/index.js';
import { APPLICATION, conditionsOf } from '../support/kubernetes/pods-by-hand.js';
import { isRunning } from '../support/kubernetes/guarded.js';

const STAYS = ['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done'];

describeWithControlPlane('the test kubelet', () => {
  let own: OwnNamespace;
  let pods: PodsByHand;
  let kubelet: TestKubelet;
  beforeAll(async () => {
    own = await ownNamespace();
    pods = new PodsByHand(own);
    kubelet = await startTestKubelet(own, { probing: { readyPeriodMs: 50 } });
  });
  afterAll(async () => {
    await kubelet.stop();
    await pods.close();
    await own.remove();
  });

  const onNode = (name: string): KubeletPod => kubelet.pods().find((pod) => pod.name === name)!;
  async function execute(name: string, data: unknown): Promise<Json> {
    const url = `http://${onNode(name).address}:8080/execute`;
    const headers = { 'content-type': 'application/json' };
    const { body } = await request(url, { method: 'POST', headers, body: JSON.stringify({ data }) });
    return (await body.json()) as Json;
  }

  describe('with a pod that nothing happens to', () => {
    it('runs the session application on an address of its own and shows it ready', async () => {
      const pod = await pods.ready(await pods.make());
      expect(pod.spec.nodeName).toBe(kubelet.nodeName);
      expect(pod.status.podIP).toMatch(/^127\.(?!0\.0\.)/);
      expect(pod.status.hostIP).toBe('127.0.0.1');
      expect(conditionsOf(pod)).toEqual({
        PodReadyToStartContainers: 'True',
        Initialized: 'True',
        PodScheduled: 'True',
        ContainersReady: 'True',
        Ready: 'True',
      });
      const [container] = pod.status.containerStatuses!;
      expect(container).toMatchObject({ started: true, restartCount: 0, lastState: {} });
      expect(container!.state).toEqual({ running: { startedAt: expect.stringMatching(/^\d{4}-.*Z$/) } });
      expect(container!.containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/);
      await expect(execute(pod.metadata.name, 1)).resolves.toMatchObject({ sessionId: 'alice', executions: 1 });
    });

    it('shows what a new pod lacks before it is ready', async () => {
      const name = pods.newName();
      kubelet.fail(name, slow({ startMs: 300, readyMs: 300 }));
      await pods.make(name);
      const creating = await pods.shown(name, {
        phase: 'Pending',
        containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } }, ready: false, started: false }],
      });
      expect(creating.status.podIP).toBeUndefined();
      expect(conditionsOf(creating)).toMatchObject({
        PodReadyToStartContainers: 'False',
        Ready: 'False ContainersNotReady',
        ContainersReady: 'False ContainersNotReady',
      });
      const started = await pods.shown(name, {
        phase: 'Running',
        containerStatuses: [{ state: { running: {} }, ready: false, started: false }],
      });
      expect(started.status.podIP).toBeDefined();
      await pods.ready(name);
    });

    it('gives every pod another address', async () => {
      const names = await Promise.all([1, 2, 3].map(() => pods.make()));
      const addresses = await Promise.all(names.map(async (name) => (await pods.ready(name)).status.podIP));
      expect(new Set(addresses).size).toBe(3);
    });

    it('ends the container gently when the pod is deleted, and then the pod', async () => {
      const name = await pods.makeReady();
      const { pid } = onNode(name);
      const query = `watch=1&timeoutSeconds=2&fieldSelector=metadata.name%3D${name}`;
      const watching = pods.admin.text(`${pods.path()}?${query}`);
      await pods.delete(name);
      await pods.gone(name);
      expect(isRunning(pid!)).toBe(false);
      const lines = (await watching).trim().split('\n');
      const last = JSON.parse(lines.at(-1)!) as { type: string; object: ShownPod };
      expect(last.type).toBe('DELETED');
      expect(last.object.status).toMatchObject({
        phase: 'Succeeded',
        containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } }, ready: false }],
      });
    });

    it('kills what does not end within its grace', async () => {
      const name = await pods.make(undefined, { command: STAYS }, { terminationGracePeriodSeconds: 1 });
      await eventually(async () => expect(await pods.berth.text(`${pods.path(name)}/log`)).toBe('up\n'));
      const { pid } = onNode(name);
      await pods.delete(name);
      await pods.shown(name, { phase: 'Running' });
      expect(isRunning(pid!)).toBe(true);
      await pods.gone(name);
      expect(isRunning(pid!)).toBe(false);
    });

    it('ends the processes of a pod that was removed at once', async () => {
      const name = await pods.makeReady();
      const { pid } = onNode(name);
      await pods.admin.call(pods.path(name), { method: 'DELETE', body: { gracePeriodSeconds: 0 } });
      await eventually(() => expect(isRunning(pid!)).toBe(false));
      expect(onNode(name)).toBeUndefined();
    });
  });

  describe('with a container that ends', () => {
    it('starts it again at once, with its files, and tells what became of the earlier run', async () => {
      const name = await pods.make();
      const first = await pods.ready(name);
      await execute(name, { name: 'Ada' });
      kubelet.kill(name);
      const again = await pods.shown(name, { containerStatuses: [{ restartCount: 1, ready: true }] });
      expect(again.status.phase).toBe('Running');
      expect(again.status.podIP).toBe(first.status.podIP);
      expect(again.status.containerStatuses![0]!.lastState).toEqual({
        terminated: {
          exitCode: 137,
          reason: 'Error',
          startedAt: expect.any(String),
          finishedAt: expect.any(String),
          containerID: first.status.containerStatuses![0]!.containerID,
        },
      });
      await expect(execute(name, 1)).resolves.toMatchObject({ executions: 2, previous: { name: 'Ada' } });
    });

    it('shows one that the kernel ended for want of memory', async () => {
      const name = await pods.makeReady();
      kubelet.oomKill(name);
      await pods.shown(name, {
        containerStatuses: [{ restartCount: 1, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
      });
      await pods.ready(name);
    });

    it('starts none again whose pod says Never', async () => {
      const container = { command: ['sh', '-c', 'exit 4'] };
      const name = await pods.make(undefined, container, { restartPolicy: 'Never' });
      const ended = await pods.shown(name, {
        phase: 'Failed',
        containerStatuses: [{ restartCount: 0, state: { terminated: { exitCode: 4, reason: 'Error' } } }],
      });
      expect(conditionsOf(ended)).toMatchObject({ Ready: 'False PodFailed' });
    });

    it('shows that a frozen one is not ready, and is again when it goes on', async () => {
      const name = await pods.makeReady();
      const { pid } = onNode(name);
      process.kill(pid!, 'SIGSTOP');
      const containerStatuses = [{ ready: false, started: true, restartCount: 0 }];
      await pods.shown(name, { phase: 'Running', containerStatuses });
      process.kill(pid!, 'SIGCONT');
      await pods.ready(name);
    });
  });

  it('says of thousands of pods that they are ready, and starts nothing', async () => {
    const many = await ownNamespace();
    const theirs = new PodsByHand(many);
    const sayer = await startTestKubelet(many, { mode: 'status-only' });
    const names = await Promise.all(Array.from({ length: 100 }, () => theirs.make(undefined, APPLICATION)));
    await eventually(async () => {
      const { items } = await theirs.berth.call<{ items: ShownPod[] }>(theirs.path().slice(0, -1));
      expect(items.filter((pod) => conditionsOf(pod).Ready === 'True')).toHaveLength(names.length);
    }, 10_000);
    expect(new Set(sayer.pods().map(({ pid }) => pid))).toEqual(new Set([undefined]));
    await theirs.delete(names[0]!);
    await theirs.gone(names[0]!);
    await sayer.stop();
    await theirs.close();
    await many.remove();
  });
});
