import type { Pod, PodOrder } from '../../src/lifecycle/runtime/pod.js';
import { podName } from '../../src/lifecycle/runtime/pod-name.js';
import type { Template } from '../../src/lifecycle/templates/template.js';
import { eventually } from '../support/eventually.js';
import {
  crashLoop,
  describeWithControlPlane,
  stuckCreating,
  unschedulable,
  type Fate,
} from '../support/kubernetes/index.js';
import { plainTemplate } from '../support/process-runtime.js';
import { kubernetesHarness, type KubernetesHarness } from './session-runtime/kubernetes-harness.js';
import { Stage } from './session-runtime/stage.js';

describeWithControlPlane('what befalls a pod in Kubernetes', () => {
  let harness: KubernetesHarness;
  let stage: Stage;
  beforeAll(async () => {
    harness = await kubernetesHarness();
    stage = new Stage(harness);
  });
  afterAll(() => harness.close());

  interface Fated {
    name: string;
    order: PodOrder;
    callOff: () => void;
  }

  async function fated(fate: Fate, template: Template = stage.templates.serving): Promise<Fated> {
    const order = stage.order(template);
    const callOff = harness.kubelet.fail(podName(order.id, 1), fate);
    const { name } = await stage.created(order);
    return { name, order, callOff };
  }

  /** Every way the pod is shown from now on. */
  function watched(name: string): { pods: Pod[]; stop: () => Promise<void> } {
    const pods: Pod[] = [];
    const watch = stage.runtime.watch((pod) => pod.name === name && pods.push(pod));
    return { pods, stop: () => watch.stop() };
  }

  describe('while it starts is told, and it starts once that has passed', () => {
    it.each<[string, Fate, Pod['failure']]>([
      [
        'an image that is not there',
        { waiting: 'ImagePullBackOff', message: 'Back-off pulling image "a/b:1": dial tcp 10.9.8.7:443: i/o timeout' },
        {
          reason: 'ImagePullBackOff',
          message: 'Back-off pulling image "a/b:1": dial tcp (address): i/o timeout',
        },
      ],
      [
        'an image that cannot be pulled',
        { waiting: 'ErrImagePull', message: 'a/b:1: not found' },
        { reason: 'ErrImagePull', message: 'a/b:1: not found' },
      ],
      [
        'what its definition lacks',
        { waiting: 'CreateContainerConfigError', message: 'secret "models" not found' },
        { reason: 'CreateContainerConfigError', message: 'secret "models" not found' },
      ],
      [
        'that no node has room',
        unschedulable('0/3 nodes are available: 3 Insufficient nvidia.com/gpu.'),
        { reason: 'Unschedulable', message: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.' },
      ],
      [
        'what only its events say',
        stuckCreating('MountVolume.SetUp failed for volume "models": timed out'),
        { reason: 'FailedMount', message: 'MountVolume.SetUp failed for volume "models": timed out' },
      ],
    ])('%s', async (_, fate, failure) => {
      const { name, callOff } = await fated(fate);
      await stage.until(name, { phase: 'starting', failure });
      callOff();
      const ready = await stage.untilReady(name);
      expect(ready.failure).toBeUndefined();
    });
  });

  it('that does not answer yet is told where it is asked', async () => {
    const { name } = await stage.created(
      stage.order(plainTemplate(['--health=404'], { hash: 'x', healthPath: '/health' })),
    );
    const failure = { reason: 'NotReady', message: 'It does not answer GET /health on port 8080 yet.' };
    const starting = await stage.until(name, { phase: 'starting', failure });
    expect(starting.address).toMatch(/^127\.\d+\.\d+\.\d+:8080$/);
  });

  it('with an image name that is none is its end at once: it never gets better', async () => {
    const message = 'Failed to apply default image tag "A B": couldn\'t parse image name';
    const { name } = await fated({ waiting: 'InvalidImageName', message });
    await stage.until(name, { phase: 'dead', crashed: true, failure: { reason: 'InvalidImageName', message } });
  });

  it('evicted is dead, and has not crashed', async () => {
    const pod = await stage.ready(stage.order(stage.templates.serving));
    const seen = watched(pod.name);
    await harness.kubelet.evict(pod.name, 'The node was low on resource: memory.');
    await eventually(() =>
      expect(seen.pods.at(-1)).toMatchObject({
        phase: 'dead',
        crashed: false,
        failure: { reason: 'Evicted', message: 'The node was low on resource: memory.' },
      }),
    );
    await seen.stop();
  });

  it('about to be taken away by the cluster is dead before it is gone', async () => {
    const pod = await stage.ready(stage.order(stage.templates.serving));
    await harness.kubelet.disrupt(pod.name, 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint');
    const failure = { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' };
    await stage.until(pod.name, { phase: 'dead', crashed: false, deleting: false, failure });
  });

  it('deleted by hand is seen to go', async () => {
    const pod = await stage.ready(stage.order(stage.templates.serving));
    const seen = watched(pod.name);
    await harness.admin.call(`${harness.podsPath}/${pod.name}`, { method: 'DELETE' });
    await eventually(() => expect(seen.pods.some(({ deleting }) => deleting)).toBe(true));
    await stage.untilGone(pod.name);
    await seen.stop();
  });

  it('killed for memory is started again, and in a loop that is why it is dead', async () => {
    const pod = await stage.ready(stage.order(stage.templates.serving));
    const seen = watched(pod.name);
    for (const restarts of [1, 2]) {
      harness.kubelet.oomKill(pod.name);
      await stage.until(pod.name, { phase: 'ready', restarts });
    }
    expect(seen.pods.find(({ phase }) => phase === 'restarting')!.failure!.reason).toBe('OOMKilled');
    harness.kubelet.oomKill(pod.name);
    const dead = await stage.until(pod.name, { phase: 'dead', crashed: true });
    expect(dead.failure).toMatchObject({
      reason: 'OOMKilled',
      message: expect.stringContaining('resources.limits.memory'),
    });
    await eventually(() => expect(seen.pods.at(-1)!.failure!.message).toContain('That was the third time'));
    await seen.stop();
  });

  it('that crashes in a loop is told with its last words by the watch too, once, and is not ready again after that', async () => {
    const order = stage.order(stage.templates.serving);
    const name = podName(order.id, 1);
    const seen = watched(name);
    harness.kubelet.fail(name, crashLoop({ exitCode: 3, says: 'no such database', times: 4 }));
    await stage.created(order);
    await eventually(() => expect(seen.pods.at(-1)).toMatchObject({ phase: 'dead', crashed: true }), 10_000);
    const { failure, restarts } = seen.pods.at(-1)!;
    expect(restarts).toBeGreaterThanOrEqual(2);
    expect(failure).toEqual({
      reason: 'CrashLoopBackOff',
      message:
        'The container exited with code 3. That was the third time without 60 s of running between. ' +
        'It printed last:\nno such database',
    });
    await eventually(() => expect(harness.kubelet.pods().find((pod) => pod.name === name)!.isReady).toBe(true), 10_000);
    expect(await stage.truth(name)).toMatchObject({ phase: 'dead' });
    const afterDeath = seen.pods.slice(seen.pods.findIndex(({ phase }) => phase === 'dead'));
    expect(new Set(afterDeath.map(({ phase }) => phase))).toEqual(new Set(['dead']));
    await seen.stop();
  });
});

describeWithControlPlane('a pod whose kubelet is slow to ask', () => {
  let harness: KubernetesHarness;
  let stage: Stage;
  beforeAll(async () => {
    harness = await kubernetesHarness({ kubelet: { probing: { periodMs: 600_000 } } });
    stage = new Stage(harness);
  });
  afterAll(() => harness.close());

  it('is ready for who made it as soon as it answers, in the watch and when read', async () => {
    const phases: string[] = [];
    const watch = stage.runtime.watch((pod) => phases.push(pod.phase));
    const { name } = await stage.created(stage.order(stage.templates.serving));
    await eventually(() => expect(phases.at(-1)).toBe('ready'));
    expect(phases[0]).toBe('starting');
    const pod = await stage.truth(name);
    expect(pod.phase).toBe('ready');
    expect(pod.failure).toBeUndefined();
    expect(await harness.answers(pod)).toBe(true);
    await watch.stop();
  });

  it('is ready again as soon as it answers after a restart', async () => {
    const pod = await stage.ready(stage.order(stage.templates.serving));
    const watch = stage.runtime.watch(() => undefined);
    harness.kubelet.kill(pod.name);
    await stage.until(pod.name, { phase: 'ready', restarts: 1 });
    await watch.stop();
  });
});
