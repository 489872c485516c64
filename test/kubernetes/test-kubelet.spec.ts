import { request } from 'undici';

import { eventually } from '../support/eventually.js';
import type { ApiPod } from '../support/kubernetes/api-pod.js';
import {
  ApiClient,
  crashLoop,
  describeWithControlPlane,
  ownNamespace,
  silent,
  slow,
  startTestKubelet,
  stuckCreating,
  unschedulable,
  type Json,
  type KubeletPod,
  type OwnNamespace,
  type TestKubelet,
} from '../support/kubernetes/index.js';
import { restrictedPod } from '../support/kubernetes/pods.js';

const LIMIT_MS = 10_000;
const probes = {
  startupProbe: { httpGet: { path: '/health', port: 8080 }, periodSeconds: 1, failureThreshold: 30 },
  readinessProbe: { httpGet: { path: '/health', port: 8080 }, periodSeconds: 1, failureThreshold: 3 },
};
const env = [
  { name: 'PORT', value: '8080' },
  { name: 'SESSION_ID', value: 'alice' },
];
const application = { env, ...probes };

interface ShownPod extends Omit<ApiPod, 'status'> {
  status: {
    phase: string;
    reason?: string;
    message?: string;
    podIP?: string;
    hostIP?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string; lastTransitionTime: string }[];
    containerStatuses?: {
      state: Json;
      lastState: Json;
      restartCount: number;
      ready: boolean;
      started: boolean;
      containerID?: string;
    }[];
  };
}

describeWithControlPlane('the test kubelet', () => {
  let own: OwnNamespace;
  let admin: ApiClient;
  let berth: ApiClient;
  let kubelet: TestKubelet;
  let pods = 0;
  beforeAll(async () => {
    own = await ownNamespace();
    admin = new ApiClient(own.adminKubeconfig);
    berth = new ApiClient(own.berthKubeconfig);
    kubelet = await startTestKubelet(own, { probing: { readyPeriodMs: 50 } });
  });
  afterAll(async () => {
    await kubelet.stop();
    await own.remove();
    await admin.close();
    await berth.close();
  });

  const path = (name = ''): string => `/api/v1/namespaces/${own.name}/pods/${name}`;
  const newName = (): string => `pod-${++pods}`;
  async function make(name: string, container: object = application, spec: object = {}): Promise<string> {
    await berth.call(path(), { method: 'POST', body: restrictedPod(name, { container, spec }) });
    return name;
  }
  const get = (name: string): Promise<ShownPod> => berth.call(path(name));
  const shown = (name: string, status: object, limitMs = LIMIT_MS): Promise<ShownPod> =>
    eventually(async () => {
      const pod = await get(name);
      expect(pod).toMatchObject({ status });
      return pod;
    }, limitMs);
  const conditions = ({ status }: ShownPod): Record<string, string> =>
    Object.fromEntries(
      (status.conditions ?? []).map(({ type, status: is, reason }) => [type, reason ? `${is} ${reason}` : is]),
    );
  const ready = (name: string): Promise<ShownPod> =>
    shown(name, { phase: 'Running', containerStatuses: [{ ready: true }] });
  const gone = (name: string): Promise<void> =>
    eventually(async () => expect(get(name)).rejects.toMatchObject({ status: 404 }), LIMIT_MS);
  const onNode = (name: string): KubeletPod => kubelet.pods().find((pod) => pod.name === name)!;
  async function execute(name: string, data: unknown): Promise<Json> {
    const url = `http://${onNode(name).address}:8080/execute`;
    const headers = { 'content-type': 'application/json' };
    const { body } = await request(url, { method: 'POST', headers, body: JSON.stringify({ data }) });
    return (await body.json()) as Json;
  }
  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  async function eventsOf(name: string): Promise<{ reason: string; message: string; type: string }[]> {
    const query = `fieldSelector=involvedObject.name%3D${name}`;
    const { items } = await berth.call<{ items: { reason: string; message: string; type: string }[] }>(
      `/api/v1/namespaces/${own.name}/events?${query}`,
    );
    return items;
  }

  describe('with a pod that nothing happens to', () => {
    it('runs the session application on an address of its own and shows it ready', async () => {
      const pod = await ready(await make(newName()));
      expect(pod.spec.nodeName).toBe(kubelet.nodeName);
      expect(pod.status.podIP).toMatch(/^127\.(?!0\.0\.)/);
      expect(pod.status.hostIP).toBe('127.0.0.1');
      expect(conditions(pod)).toEqual({
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
      const name = newName();
      kubelet.fail(name, slow({ startMs: 300, readyMs: 300 }));
      await make(name);
      const creating = await shown(name, {
        phase: 'Pending',
        containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } }, ready: false, started: false }],
      });
      expect(creating.status.podIP).toBeUndefined();
      expect(conditions(creating)).toMatchObject({
        PodReadyToStartContainers: 'False',
        Ready: 'False ContainersNotReady',
        ContainersReady: 'False ContainersNotReady',
      });
      const started = await shown(name, {
        phase: 'Running',
        containerStatuses: [{ state: { running: {} }, ready: false, started: false }],
      });
      expect(started.status.podIP).toBeDefined();
      await ready(name);
    });

    it('gives every pod another address', async () => {
      const names = await Promise.all([1, 2, 3].map(() => make(newName())));
      const addresses = await Promise.all(names.map(async (name) => (await ready(name)).status.podIP));
      expect(new Set(addresses).size).toBe(3);
    });

    it('ends the container gently when the pod is deleted, and then the pod', async () => {
      const name = await make(newName());
      await ready(name);
      const { pid } = onNode(name);
      const watching = admin.text(`${path()}?watch=1&timeoutSeconds=5&fieldSelector=metadata.name%3D${name}`);
      await berth.call(path(name), { method: 'DELETE' });
      await gone(name);
      expect(isAlive(pid!)).toBe(false);
      const events = (await watching).trim().split('\n');
      const last = events.map((line) => JSON.parse(line) as { type: string; object: ShownPod });
      expect(last.at(-1)!.type).toBe('DELETED');
      expect(last.at(-1)!.object.status).toMatchObject({
        phase: 'Succeeded',
        containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } }, ready: false }],
      });
    });

    it('kills what does not end within its grace', async () => {
      const deaf = ['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done'];
      const name = await make(newName(), { command: deaf }, { terminationGracePeriodSeconds: 1 });
      await ready(name);
      await eventually(async () => expect(await berth.text(`${path(name)}/log`)).toBe('up\n'));
      const { pid } = onNode(name);
      await berth.call(path(name), { method: 'DELETE' });
      await shown(name, { phase: 'Running' });
      expect(isAlive(pid!)).toBe(true);
      await gone(name);
      expect(isAlive(pid!)).toBe(false);
    });

    it('ends the processes of a pod that was removed at once', async () => {
      const name = await make(newName());
      await ready(name);
      const { pid } = onNode(name);
      await admin.call(path(name), { method: 'DELETE', body: { gracePeriodSeconds: 0 } });
      await eventually(() => expect(isAlive(pid!)).toBe(false));
      expect(onNode(name)).toBeUndefined();
    });
  });

  describe('with a container that ends', () => {
    it('starts it again at once, with its files, and tells what became of the earlier run', async () => {
      const name = await make(newName());
      const first = await ready(name);
      await execute(name, { name: 'Ada' });
      kubelet.kill(name);
      const again = await shown(name, { containerStatuses: [{ restartCount: 1, ready: true }] });
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

    it('shows one that crashes again and again in CrashLoopBackOff', async () => {
      const name = newName();
      const callOff = kubelet.fail(name, crashLoop({ exitCode: 3, says: 'no licence' }));
      await make(name, { ...application, terminationMessagePolicy: 'FallbackToLogsOnError' });
      const looping = await shown(name, {
        phase: 'Running',
        containerStatuses: [
          {
            ready: false,
            started: false,
            state: { waiting: { reason: 'CrashLoopBackOff', message: expect.stringMatching(/^back-off .*session/) } },
            lastState: { terminated: { exitCode: 3, reason: 'Error', message: 'no licence\n' } },
          },
        ],
      });
      expect(looping.status.containerStatuses![0]!.restartCount).toBeGreaterThan(0);
      expect(conditions(looping)).toMatchObject({ Ready: 'False ContainersNotReady', PodScheduled: 'True' });
      callOff();
      await ready(name);
    });

    it('shows one that the kernel ended for want of memory', async () => {
      const name = await make(newName());
      await ready(name);
      kubelet.oomKill(name);
      await shown(name, {
        containerStatuses: [{ restartCount: 1, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
      });
      await ready(name);
    });

    it('starts none again whose pod says Never', async () => {
      const name = await make(newName(), { command: ['sh', '-c', 'exit 4'] }, { restartPolicy: 'Never' });
      const ended = await shown(name, {
        phase: 'Failed',
        containerStatuses: [{ restartCount: 0, state: { terminated: { exitCode: 4, reason: 'Error' } } }],
      });
      expect(conditions(ended)).toMatchObject({ Ready: 'False PodFailed' });
    });

    it('shows that a frozen one is not ready, and is again when it goes on', async () => {
      const name = await make(newName());
      await ready(name);
      const { pid } = onNode(name);
      process.kill(pid!, 'SIGSTOP');
      await shown(name, { phase: 'Running', containerStatuses: [{ ready: false, started: true, restartCount: 0 }] });
      process.kill(pid!, 'SIGCONT');
      await ready(name);
    });
  });

  describe('told that a pod fails', () => {
    const reasons = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'CreateContainerConfigError'];
    it.each(reasons)('shows %s until it is called off', async (reason) => {
      const name = newName();
      const callOff = kubelet.fail(name, { waiting: reason, message: 'for a reason' });
      await make(name);
      const waiting = await shown(name, {
        phase: 'Pending',
        containerStatuses: [
          { state: { waiting: { reason, message: 'for a reason' } }, lastState: {}, restartCount: 0, ready: false },
        ],
      });
      expect(conditions(waiting)).toMatchObject({ PodScheduled: 'True', Ready: 'False ContainersNotReady' });
      await eventually(async () => {
        expect(await eventsOf(name)).toContainEqual(expect.objectContaining({ type: 'Warning', reason: 'Failed' }));
      });
      callOff();
      await ready(name);
    });

    it('lets a running container wait once it has been ended', async () => {
      const name = await make(newName());
      await ready(name);
      kubelet.fail((pod) => pod.metadata.name === name, { waiting: 'CreateContainerError', message: 'no such device' });
      await shown(name, {
        phase: 'Running',
        containerStatuses: [
          { state: { waiting: { reason: 'CreateContainerError' } }, lastState: { terminated: { exitCode: 137 } } },
        ],
      });
    });

    it('shows that no node fits, until one does', async () => {
      const name = newName();
      const callOff = kubelet.fail(name, unschedulable('0/3 nodes are available: 3 Insufficient cpu.'));
      await make(name);
      const pending = await shown(name, { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False' }] });
      expect(pending.spec.nodeName).toBeUndefined();
      expect(pending.status.conditions).toEqual([
        expect.objectContaining({
          reason: 'Unschedulable',
          message: '0/3 nodes are available: 3 Insufficient cpu.',
        }),
      ]);
      await eventually(async () => {
        expect(await eventsOf(name)).toContainEqual(expect.objectContaining({ reason: 'FailedScheduling' }));
      });
      callOff();
      expect(conditions(await ready(name))).toMatchObject({ PodScheduled: 'True', Ready: 'True' });
    });

    it('shows that a volume is missing in an event only', async () => {
      const name = newName();
      const callOff = kubelet.fail(name, stuckCreating('MountVolume.SetUp failed for volume "models"'));
      await make(name);
      await eventually(async () => {
        expect(await eventsOf(name)).toEqual([
          expect.objectContaining({
            type: 'Warning',
            reason: 'FailedMount',
            message: 'MountVolume.SetUp failed for volume "models"',
          }),
        ]);
      });
      await shown(name, {
        phase: 'Pending',
        containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }],
      });
      callOff();
      await ready(name);
    });

    it('shows one that never answers as running and not started, and ends it as its startup probe says', async () => {
      const name = newName();
      const callOff = kubelet.fail(name, silent);
      const startupProbe = { ...probes.startupProbe, failureThreshold: 1 };
      await make(name, { ...application, startupProbe });
      await shown(name, { phase: 'Running', containerStatuses: [{ state: { running: {} }, started: false }] });
      callOff();
      await shown(name, { containerStatuses: [{ restartCount: 1, ready: true }] });
    });

    it('shows an eviction, and no restart', async () => {
      const name = await make(newName());
      await ready(name);
      const { pid } = onNode(name);
      await kubelet.evict(name, 'The node was low on resource: ephemeral-storage.');
      const evicted = await get(name);
      expect(evicted.status).toMatchObject({
        phase: 'Failed',
        reason: 'Evicted',
        message: 'The node was low on resource: ephemeral-storage.',
        containerStatuses: [{ ready: false, restartCount: 0, state: { terminated: { exitCode: 137 } } }],
      });
      expect(conditions(evicted)).toMatchObject({
        DisruptionTarget: 'True TerminationByKubelet',
        Ready: 'False PodFailed',
      });
      expect(isAlive(pid!)).toBe(false);
    });

    it('shows that a pod is about to be disrupted, which goes on meanwhile', async () => {
      const name = await make(newName());
      await ready(name);
      await kubelet.disrupt(name);
      expect(conditions(await get(name))).toMatchObject({
        DisruptionTarget: 'True EvictionByEvictionAPI',
        Ready: 'True',
      });
    });
  });

  describe('asked for logs through the API server', () => {
    const talker = ['sh', '-c', 'for n in 1 2 3; do echo "line $n"; done; read -r _ < "$TMPDIR/go"; echo end; exit 1'];
    const url = (name: string, query = ''): string => `${path(name)}/log?container=session&${query}`;

    it('gives all lines, or the last ones', async () => {
      const name = await make(newName(), { command: ['sh', '-c', 'echo 1; echo 2; echo 3; sleep 60'] });
      await eventually(async () => expect(await berth.text(url(name))).toBe('1\n2\n3\n'), LIMIT_MS);
      await expect(berth.text(url(name, 'tailLines=2'))).resolves.toBe('2\n3\n');
    });

    it('goes on with what is printed later, up to the end of the run', async () => {
      const mkfifo = ['sh', '-c', `mkfifo "$TMPDIR/go"; echo "$TMPDIR"; ${talker[2]}`];
      const name = await make(newName(), { command: mkfifo });
      await eventually(async () => expect(await berth.text(url(name))).toContain('line 3'), LIMIT_MS);
      const [folder] = (await berth.text(url(name))).split('\n');
      const following = berth.text(url(name, 'follow=true&tailLines=1'));
      const other = new AbortController();
      const stream = await berth.stream(url(name, 'follow=true'), other.signal);
      let text = '';
      for await (const chunk of stream) {
        text += chunk.toString();
        if (text.includes('line 3')) break;
      }
      const { writeFile } = await import('node:fs/promises');
      await writeFile(`${folder}/go`, 'go\n');
      await expect(following).resolves.toBe('line 3\nend\n');
      other.abort();
    });

    it('gives what the earlier run printed', async () => {
      const name = newName();
      kubelet.fail(name, crashLoop({ says: 'first run', times: 1 }));
      await make(name, { command: ['sh', '-c', 'echo second run; sleep 60'] });
      await eventually(async () => expect(await berth.text(url(name))).toBe('second run\n'), LIMIT_MS);
      await expect(berth.text(url(name, 'previous=true'))).resolves.toBe('first run\n');
    });

    it('refuses while nothing has run', async () => {
      const name = newName();
      kubelet.fail(name, { waiting: 'ImagePullBackOff', message: 'no such image' });
      await make(name);
      await shown(name, { containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }] });
      await expect(berth.text(url(name))).rejects.toMatchObject({
        status: 400,
        body: { message: expect.stringContaining('is waiting to start: ImagePullBackOff') },
      });
    });
  });
});
