import { eventually } from '../support/eventually.js';
import {
  crashLoop,
  describeWithControlPlane,
  ownNamespace,
  PodsByHand,
  silent,
  startTestKubelet,
  stuckCreating,
  unschedulable,
  type OwnNamespace,
  type TestKubelet,
} from '../support/kubernetes/index.js';
import { APPLICATION, conditionsOf } from '../support/kubernetes/pods-by-hand.js';
import { isRunning } from '../support/kubernetes/guarded.js';

describeWithControlPlane('the test kubelet, told that a pod fails,', () => {
  let own: OwnNamespace;
  let pods: PodsByHand;
  let kubelet: TestKubelet;
  beforeAll(async () => {
    own = await ownNamespace();
    pods = new PodsByHand(own);
    kubelet = await startTestKubelet(own);
  });
  afterAll(async () => {
    await kubelet.stop();
    await pods.close();
    await own.remove();
  });

  const pidOf = (name: string): number => kubelet.pods().find((pod) => pod.name === name)!.pid!;
  const event = (facts: object): unknown => expect.objectContaining({ type: 'Warning', ...facts });

  it('shows a container that crashes again and again in CrashLoopBackOff', async () => {
    const name = pods.newName();
    const callOff = kubelet.fail(name, crashLoop({ exitCode: 3, says: 'no licence' }));
    await pods.make(name, { ...APPLICATION, terminationMessagePolicy: 'FallbackToLogsOnError' });
    const looping = await pods.shown(name, {
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
    expect(conditionsOf(looping)).toMatchObject({ Ready: 'False ContainersNotReady', PodScheduled: 'True' });
    callOff();
    await pods.ready(name);
  });

  const reasons = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'CreateContainerConfigError'];
  it.each(reasons)('shows %s until it is called off', async (reason) => {
    const name = pods.newName();
    const callOff = kubelet.fail(name, { waiting: reason, message: 'for a reason' });
    await pods.make(name);
    const state = { waiting: { reason, message: 'for a reason' } };
    const waiting = await pods.shown(name, {
      phase: 'Pending',
      containerStatuses: [{ state, lastState: {}, restartCount: 0, ready: false }],
    });
    expect(conditionsOf(waiting)).toMatchObject({ PodScheduled: 'True', Ready: 'False ContainersNotReady' });
    await eventually(async () => {
      expect(await pods.eventsOf(name)).toContainEqual(event({ reason: 'Failed', message: 'for a reason' }));
    });
    callOff();
    await pods.ready(name);
  });

  it('ends a running container, which then waits', async () => {
    const name = await pods.makeReady();
    kubelet.fail((pod) => pod.metadata.name === name, { waiting: 'CreateContainerError', message: 'no such device' });
    const state = { waiting: { reason: 'CreateContainerError', message: 'no such device' } };
    await pods.shown(name, {
      phase: 'Running',
      containerStatuses: [{ state, lastState: { terminated: { exitCode: 137 } } }],
    });
  });

  it('shows that no node fits, until one does', async () => {
    const name = pods.newName();
    const message = '0/3 nodes are available: 3 Insufficient cpu.';
    const callOff = kubelet.fail(name, unschedulable(message));
    await pods.make(name);
    const pending = await pods.shown(name, {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
    });
    expect(pending.spec.nodeName).toBeUndefined();
    expect(pending.status.conditions).toHaveLength(1);
    expect(pending.status.containerStatuses).toBeUndefined();
    await eventually(async () => {
      expect(await pods.eventsOf(name)).toContainEqual(event({ reason: 'FailedScheduling', message }));
    });
    callOff();
    expect(conditionsOf(await pods.ready(name))).toMatchObject({ PodScheduled: 'True', Ready: 'True' });
  });

  it('lets a pod that no node fits be deleted at once', async () => {
    const name = pods.newName();
    kubelet.fail(name, unschedulable('none'));
    await pods.make(name);
    await pods.shown(name, { conditions: [{ reason: 'Unschedulable' }] });
    await pods.delete(name);
    await expect(pods.get(name)).rejects.toMatchObject({ status: 404 });
  });

  it('shows that a volume is missing in an event only', async () => {
    const name = pods.newName();
    const message = 'MountVolume.SetUp failed for volume "models"';
    const callOff = kubelet.fail(name, stuckCreating(message));
    await pods.make(name);
    await eventually(async () => {
      expect(await pods.eventsOf(name)).toEqual([event({ reason: 'FailedMount', message })]);
    });
    const state = { waiting: { reason: 'ContainerCreating' } };
    await pods.shown(name, { phase: 'Pending', containerStatuses: [{ state }] });
    callOff();
    await pods.ready(name);
  });

  it('shows one that never answers as running and not started, and ends it as its startup probe says', async () => {
    const name = pods.newName();
    const callOff = kubelet.fail(name, silent);
    const startupProbe = { ...APPLICATION.startupProbe, failureThreshold: 1 };
    await pods.make(name, { ...APPLICATION, startupProbe });
    await pods.shown(name, { phase: 'Running', containerStatuses: [{ state: { running: {} }, started: false }] });
    callOff();
    await pods.shown(name, { containerStatuses: [{ restartCount: 1, ready: true }] });
    await expect(pods.eventsOf(name)).resolves.toContainEqual(event({ reason: 'Unhealthy' }));
  });

  it('shows an eviction, and no restart', async () => {
    const name = await pods.makeReady();
    const pid = pidOf(name);
    const message = 'The node was low on resource: ephemeral-storage.';
    await kubelet.evict(name, message);
    const evicted = await pods.get(name);
    expect(evicted.status).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message,
      containerStatuses: [{ ready: false, restartCount: 0, state: { terminated: { exitCode: 137 } } }],
    });
    const shown = { DisruptionTarget: 'True TerminationByKubelet', Ready: 'False PodFailed' };
    expect(conditionsOf(evicted)).toMatchObject(shown);
    expect(isRunning(pid)).toBe(false);
    await pods.delete(name);
    await pods.gone(name);
  });

  it('shows that a pod is about to be disrupted, which goes on meanwhile', async () => {
    const name = await pods.makeReady();
    await kubelet.disrupt(name);
    const shown = { DisruptionTarget: 'True EvictionByEvictionAPI', Ready: 'True' };
    expect(conditionsOf(await pods.get(name))).toMatchObject(shown);
  });

  it('refuses an order about a pod that it does not have', () => {
    expect(() => kubelet.kill('nobody')).toThrow('no pod of this node');
  });
});
