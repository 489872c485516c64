import { PodHeldBack, PodRefused, RuntimeUnavailable } from '../../src/lifecycle/lifecycle.errors.js';
import type { Pod, PodOrder } from '../../src/lifecycle/runtime/pod.js';
import { podName } from '../../src/lifecycle/runtime/pod-name.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { eventually } from '../support/eventually.js';
import { describeWithControlPlane, type Json } from '../support/kubernetes/index.js';
import { kubernetesRuntime, type OwnKubernetesRuntime } from '../support/kubernetes-runtime.js';
import { plainTemplate } from '../support/process-runtime.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { kubernetesHarness, type KubernetesHarness } from './session-runtime/kubernetes-harness.js';
import { Stage } from './session-runtime/stage.js';

const MERGE = 'application/merge-patch+json';

interface Shown {
  metadata: {
    uid: string;
    resourceVersion: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
  spec: Json;
}

describeWithControlPlane('who else has a hand in pods', () => {
  const logger = new RecordingLogger();
  let harness: KubernetesHarness;
  let stage: Stage;
  let other: OwnKubernetesRuntime;
  beforeAll(async () => {
    harness = await kubernetesHarness({ logger });
    other = kubernetesRuntime(harness.own);
    stage = new Stage(harness);
  });
  afterAll(async () => {
    await other.close();
    await harness.close();
  });

  const pathOf = (name: string): string => `${harness.podsPath}/${name}`;
  const shown = (name: string): Promise<Shown> => harness.admin.call<Shown>(pathOf(name));
  const patch = (name: string, metadata: object): Promise<Json> =>
    harness.admin.call(pathOf(name), { method: 'PATCH', body: { metadata }, contentType: MERGE });

  async function refusal(order: PodOrder): Promise<unknown> {
    return stage.runtime.create(order).catch((error: unknown) => error);
  }

  describe('another replica', () => {
    it('that makes the same pod at once gets the same pod', async () => {
      const orders = Array.from({ length: 5 }, () => stage.order(stage.templates.silent));
      const pairs = await Promise.all(
        orders.map((order) => Promise.all([stage.runtime.create(order), other.runtime.create(order)])),
      );
      for (const [one, same] of pairs as [Pod, Pod][]) expect(same.uid).toBe(one.uid);
    });

    it('adopts a pod that was made of an earlier definition of its template', async () => {
      const order = stage.order(stage.templates.silent);
      const made = await stage.created(order);
      const newer = { ...order, definition: { ...order.definition, hash: 'newer', command: ['sleep', '700'] } };
      expect(await other.runtime.create(newer)).toMatchObject({ uid: made.uid, templateHash: 'silent' });
    });

    it('does not get a pod that is being deleted, though it still runs', async () => {
      const stubborn = plainTemplate(['--ignore-term'], { hash: 'stubborn' });
      const order = stage.order(stubborn);
      const pod = await stage.ready(order);
      await stage.marked(pod.name);
      await stage.onNow(pod.name, (now) => stage.runtime.delete(now));
      expect(await other.runtime.create(order)).toBe('name-taken');
      await stage.untilGone(pod.name);
      expect(await other.runtime.create(order)).toMatchObject({ name: pod.name });
    });

    it('finds what it wants changed by the first, and can look again', async () => {
      const { name } = await stage.created(stage.order(stage.templates.silent));
      const seen = await stage.truth(name);
      const answers = await Promise.all([
        stage.runtime.mark(seen, 5),
        other.runtime.annotate(seen, { lastUsedAtMs: 9 }),
      ]);
      expect(answers.filter((answer) => answer === 'changed').length).toBeGreaterThanOrEqual(1);
    });
  });

  describe('a bad way to the API server', () => {
    let way: TcpProxy;
    let cutOff: OwnKubernetesRuntime;
    beforeEach(async () => {
      const { controlPlane, name } = harness.own;
      way = await TcpProxy.to(controlPlane.url);
      const kubeconfigPath = controlPlane.kubeconfig('berth', { namespace: name, server: way.origin });
      cutOff = kubernetesRuntime(harness.own, { client: { kubeconfigPath, deadlineMs: 1_000 } });
    });
    afterEach(async () => {
      await cutOff.close();
      way.close();
    });

    it('that loses the answer leaves a pod, which is adopted when it is asked for again', async () => {
      const order = stage.order(stage.templates.silent);
      const { runtime } = cutOff;
      const made = await eventually(async () => {
        way.set('pass');
        await Promise.all([1, 2, 3].map(() => runtime.list())); // so that there are connections to ask on
        way.set('lose-answers');
        await expect(runtime.create(order)).rejects.toBeInstanceOf(RuntimeUnavailable);
        return stage.truth(podName(order.id, 1));
      }, 15_000);
      way.set('pass');
      expect(await cutOff.runtime.create(order)).toMatchObject({ uid: made.uid, assignment: { id: order.id } });
    });

    it('leaves nothing known: above all no pod is absent', async () => {
      const pod = await stage.created(stage.order(stage.templates.silent));
      const { runtime } = cutOff;
      for (const mode of ['refuse', 'freeze'] as const) {
        way.set(mode);
        const calls = [
          runtime.read(pod.name),
          runtime.list(),
          runtime.mark(pod, 1),
          runtime.claim(pod, stage.order(stage.templates.silent)),
        ];
        for (const call of await Promise.allSettled(calls)) {
          expect(call).toMatchObject({ status: 'rejected', reason: expect.any(RuntimeUnavailable) });
        }
      }
    });

    it('is survived by a watch, which tells then what happened meanwhile', async () => {
      const gone: string[] = [];
      const here: string[] = [];
      const watch = cutOff.runtime.watch(({ name }, isGone) => (isGone ? gone : here).push(name));
      const before = await stage.created(stage.order(stage.templates.silent));
      await eventually(() => expect(here).toContain(before.name));
      way.set('refuse');
      await stage.deleted(before.name);
      const after = await stage.created(stage.order(stage.templates.silent));
      expect(gone).toEqual([]);
      way.set('pass');
      await eventually(() => expect(here).toContain(after.name));
      expect(gone).toEqual([before.name]);
      await watch.stop();
    });
  });

  describe('a person with kubectl', () => {
    it('who annotates a pod changes its revision, and nothing else', async () => {
      const pod = await stage.ready(stage.order(stage.templates.serving));
      const seen = await stage.truth(pod.name);
      await patch(pod.name, { annotations: { 'example.com/note': 'mine' } });
      expect(await stage.runtime.mark(seen, 5)).toBe('changed');
      expect(await stage.truth(pod.name)).toMatchObject({ uid: pod.uid, assignment: pod.assignment, phase: 'ready' });
    });

    it('who condemns a pod is obeyed, also in words that are no time', async () => {
      const order = stage.order(stage.templates.silent);
      const { name } = await stage.created(order);
      await patch(name, { annotations: { 'berth.dev/condemned': 'please' } });
      expect(await stage.truth(name)).toMatchObject({ markedUntilMs: 0, deleting: false });
      expect(await stage.runtime.create(order)).toBe('name-taken');
      expect(await stage.onNow(name, (now) => stage.runtime.annotate(now, { lastUsedAtMs: 1 }))).toBe('marked');
      expect(await stage.onNow(name, (now) => stage.runtime.delete(now))).toBe('ending');
      await stage.untilGone(name);
    });

    it('who makes a pod lie makes it serve nobody, and the log says which', async () => {
      const order = stage.order(stage.templates.silent);
      const { name } = await stage.created(order);
      await patch(name, { annotations: { 'berth.dev/session-id': 'somebody-elses' } });
      const pod = await stage.truth(name);
      expect(pod).toMatchObject({ template: '', wasWarm: false });
      expect(pod.assignment).toBeUndefined();
      expect(await stage.runtime.create(order)).toBe('name-taken');
      expect(await stage.runtime.claim(pod, stage.order(stage.templates.silent))).toBe('changed');
      expect(logger.of('kubernetes.pod_unbelievable').map((line) => line.pod)).toEqual([name]);
      await stage.deleted(name);
    });

    it('whose pod has our labels but not our name is not believed', async () => {
      const order = stage.order(stage.templates.silent);
      const copied = await shown((await stage.created(order)).name);
      const { labels, annotations } = copied.metadata;
      const body = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'by-hand', labels, annotations },
        spec: copied.spec,
      };
      await harness.admin.call(harness.podsPath, { method: 'POST', body });
      expect((await stage.truth('by-hand')).assignment).toBeUndefined();
      await stage.deleted('by-hand');
    });
  });

  it('a newer version of Berth finds what it wrote untouched by all that this one does', async () => {
    const warm = await stage.runtime.createWarm(stage.templates.silent);
    const newer = { 'berth.dev/mood': 'sunny' };
    await patch(warm.name, { annotations: newer, labels: { 'berth.dev/ring': 'two' } });
    const order = stage.order(stage.templates.silent);
    const claimed = await stage.onNow(warm.name, (now) => stage.runtime.claim(now, order));
    expect(claimed).toMatchObject({ assignment: { id: order.id } });
    await stage.onNow(warm.name, (now) =>
      stage.runtime.annotate(now, { lastUsedAtMs: 5, timeouts: { idleTimeoutMs: 7 } }),
    );
    await stage.marked(warm.name, 9);
    await stage.onNow(warm.name, (now) => stage.runtime.unmark(now));
    const { metadata } = await shown(warm.name);
    expect(metadata.annotations).toMatchObject(newer);
    expect(metadata.labels).toMatchObject({ 'berth.dev/ring': 'two', 'session-id': order.id });
  });

  it('the cluster gets a pod that is as restricted as it asks for', async () => {
    const { name } = await stage.created(stage.order(stage.templates.serving));
    expect(await shown(name)).toMatchObject({
      spec: {
        automountServiceAccountToken: false,
        securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
        containers: [{ name: 'session', securityContext: { readOnlyRootFilesystem: true } }],
      },
    });
  });

  describe('a pod that the cluster does not want', () => {
    it('is refused for what its template says, in the words of the cluster', async () => {
      const volumes = [{ name: 'root', hostPath: { path: '/' } }];
      const error = await refusal(stage.order(plainTemplate([], { hash: 'x', volumes })));
      expect(error).toBeInstanceOf(PodRefused);
      expect(error).toMatchObject({ reason: 'AdmissionDenied' });
      expect((error as Error).message).toMatch(/^violates PodSecurity "restricted:latest": .*hostPath/);
    });

    it('is refused for a field that does not exist', async () => {
      const volumes = [{ name: 'data', emptyDirr: {} }];
      const error = await refusal(stage.order(plainTemplate([], { hash: 'x', volumes })));
      expect(error).toBeInstanceOf(PodRefused);
      expect((error as Error).message).toContain('unknown field "spec.volumes[1].emptyDirr"');
    });

    it('is refused for a volume that is not there', async () => {
      const volumeMounts = [{ name: 'nowhere', mountPath: '/data' }];
      const error = await refusal(stage.order(plainTemplate([], { hash: 'x', volumeMounts })));
      expect(error).toBeInstanceOf(PodRefused);
      expect(error).toMatchObject({
        reason: 'Invalid',
        message: expect.stringMatching(/^spec\.containers\[0\].*nowhere/),
      });
    });

    it('is held back by a full quota, but not kept from being found, and made once there is room', async () => {
      const path = `/api/v1/namespaces/${harness.own.name}/resourcequotas`;
      const there = stage.order(stage.templates.silent);
      const { uid } = await stage.created(there);
      const hard = { 'count/pods': '0' };
      await harness.admin.call(path, { method: 'POST', body: { metadata: { name: 'few' }, spec: { hard } } });
      const heldBack = (facts: object): Promise<void> =>
        eventually(async () => {
          const error = await refusal(stage.order(stage.templates.silent));
          expect(error).toBeInstanceOf(PodHeldBack);
          expect(error).toMatchObject(facts);
        });
      const count = (status: object): Promise<Json> =>
        harness.admin.call(`${path}/few/status`, { method: 'PATCH', body: { status }, contentType: MERGE });
      await count({ hard });
      await heldBack({ reason: 'QuotaUnknown' });
      await count({ used: { 'count/pods': '0' } });
      await heldBack({ reason: 'QuotaExceeded', message: expect.stringMatching(/^exceeded quota: few, /) });
      expect(await stage.runtime.create(there)).toMatchObject({ uid });
      await harness.admin.call(`${path}/few`, { method: 'DELETE' });
      const order = stage.order(stage.templates.silent);
      await eventually(async () => expect(await refusal(order)).toMatchObject({ assignment: { id: order.id } }));
    });
  });

  it('without the right to make pods nothing is known of them', async () => {
    const { own, admin } = harness;
    const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${own.name}/rolebindings/berth`;
    const binding = await admin.call<{ metadata: object; roleRef: object; subjects: object }>(roles);
    await admin.call(roles, { method: 'DELETE' });
    const order = stage.order(stage.templates.silent);
    const error = await eventually(async () => {
      const answer = await refusal(order);
      expect(answer).toBeInstanceOf(RuntimeUnavailable);
      return answer as Error;
    });
    expect((error.cause as Error).message).toContain('cannot create resource "pods"');
    await expect(stage.runtime.read(podName(order.id, 1))).rejects.toBeInstanceOf(RuntimeUnavailable);
    const { roleRef, subjects } = binding;
    const body = { metadata: { name: 'berth' }, roleRef, subjects };
    await admin.call(roles.replace(/\/berth$/, ''), { method: 'POST', body });
    await eventually(async () => expect(await refusal(order)).toMatchObject({ phase: 'starting' }));
  });
});
