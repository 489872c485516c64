import { executed, expectProblem } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import {
  describeWithControlPlane,
  restrictedPod,
  startOwnControlPlane,
  type ControlPlane,
} from '../support/kubernetes/index.js';
import { writeTemplates } from '../support/templates-file.js';

const START_MS = 90_000;
const POD_CREATION_TIMEOUT = 15;
const FORBIDDEN_IMAGE = 'berth.test/forbidden:1';
const DENIAL = 'Images of that kind are not welcome here.';
const small = { resources: { limits: { memory: '64Mi' }, requests: { memory: '64Mi' } } };

/** Pods that the API server does not take: at all, or for now. */
describeWithControlPlane('a start that the cluster refuses', () => {
  let controlPlane: ControlPlane;
  beforeAll(async () => {
    controlPlane = await startOwnControlPlane({ controllerManager: true });
  }, START_MS);
  afterAll(() => controlPlane.stop());

  describe('for want of quota', () => {
    let fleet: Fleet;
    beforeAll(async () => {
      const settings = { POD_CREATION_TIMEOUT: String(POD_CREATION_TIMEOUT) };
      fleet = await Fleet.start({ controlPlane, replicas: 2, settings });
      const path = `/api/v1/namespaces/${fleet.own.name}/resourcequotas`;
      await fleet.api.call(path, {
        method: 'POST',
        body: { metadata: { name: 'few' }, spec: { hard: { pods: '2' } } },
      });
      await eventually(async () => {
        expect(await fleet.api.call(`${path}/few`)).toMatchObject({ status: { hard: { pods: '2' } } });
      }, 30_000);
      await Promise.all(['one', 'two'].map((id) => fleet.first.execute(id, 1)));
    }, START_MS);
    afterAll(() => fleet.stop());

    const heldBack = (id: string): Promise<void> =>
      eventually(async () => {
        const shown = await Promise.all(fleet.replicas.map((replica) => replica.status(id)));
        const lastFailure = { reason: 'QuotaExceeded', message: expect.stringContaining('exceeded quota: few') };
        expect(shown.map(({ body }) => body)).toContainEqual(
          expect.objectContaining({ state: 'creating', lastFailure: expect.objectContaining(lastFailure) }),
        );
      }, 10_000);

    it('is held, and served when another session ends', async () => {
      const held = fleet.replicas.map((replica) => replica.execute('patient', 1));
      await heldBack('patient');
      expect(await fleet.first.end('one')).toMatchObject({ status: 204 });
      const answers = await Promise.all(held);
      expect(answers.map((answer) => executed(answer).executions).sort()).toEqual([1, 2]);
      for (const { headers } of answers) expect(headers['x-session-generation']).toBe('1');
    }, 60_000);

    it('is given up at its deadline, and says on every replica why', async () => {
      const beganAtMs = performance.now();
      const held = fleet.replicas.map((replica) => replica.execute('unlucky', 1));
      await heldBack('unlucky');
      for (const answer of await Promise.all(held)) {
        expectProblem(answer, 504, 'SESSION_START_TIMEOUT');
        expect(answer.body).toMatchObject({
          reason: 'QuotaExceeded',
          detail: expect.stringContaining('exceeded quota: few'),
        });
      }
      expect(performance.now() - beganAtMs).toBeGreaterThan(POD_CREATION_TIMEOUT * 1_000 - 100);
      for (const replica of fleet.replicas) {
        const { body } = await replica.status('unlucky');
        expect(body).toMatchObject({ state: 'failed', generation: 1, lastFailure: { reason: 'QuotaExceeded' } });
      }
    }, 60_000);

    it('does no harm to the sessions that have their pods', async () => {
      expect(executed(await fleet.first.execute('two', 1))).toMatchObject({ executions: 2 });
    });
  });

  describe('for what the pod is', () => {
    let fleet: Fleet;
    beforeAll(async () => {
      const TEMPLATES_PATH = writeTemplates({
        nosy: { ...small, volumes: [{ name: 'etc', hostPath: { path: '/etc' } }] },
        unwelcome: { ...small, image: FORBIDDEN_IMAGE },
        small,
      });
      fleet = await Fleet.start({ controlPlane, replicas: 2, settings: { TEMPLATES_PATH } });
      await limitMemory(fleet);
      await denyImage(fleet);
    }, START_MS);
    afterAll(() => fleet.stop());

    it.each([
      ['a LimitRange', 'default', 'maximum memory usage per Container is 256Mi, but limit is 512Mi'],
      ['Pod Security', 'nosy', 'violates PodSecurity "restricted:latest"'],
      ['an admission policy', 'unwelcome', DENIAL],
    ])(
      'by %s fails at once, in the words of the API server',
      async (_by, template, sentence) => {
        const id = `refused-${template}`;
        expect(await fleet.first.put(id, { template })).toMatchObject({ status: 201 });
        const answers = await Promise.all(fleet.replicas.map((replica) => replica.execute(id, 1)));
        for (const answer of answers) {
          // Not a time-out: the deadline of two minutes is far away.
          expectProblem(answer, 503, 'SESSION_START_FAILED');
          expect(answer.body).toMatchObject({ reason: 'AdmissionDenied', detail: expect.stringContaining(sentence) });
        }
        const { body } = await fleet.replicas[1]!.status(id);
        expect(body).toMatchObject({
          state: 'failed',
          generation: 1,
          lastFailure: { reason: 'AdmissionDenied', message: expect.stringContaining(sentence) },
        });
      },
      60_000,
    );

    it('keeps nobody from starting what is allowed', async () => {
      await fleet.first.put('modest', { template: 'small' });
      expect(executed(await fleet.first.execute('modest', 1))).toMatchObject({ executions: 1 });
      expect(fleet.podsMade()).toHaveLength(1);
    }, 60_000);
  });
});

async function limitMemory({ api, own }: Fleet): Promise<void> {
  const spec = { limits: [{ type: 'Container', max: { memory: '256Mi' } }] };
  const body = { metadata: { name: 'small' }, spec };
  await api.call(`/api/v1/namespaces/${own.name}/limitranges`, { method: 'POST', body });
}

/** A policy is in force some time after it was made. */
async function denyImage({ api, own }: Fleet): Promise<void> {
  const path = '/apis/admissionregistration.k8s.io/v1';
  const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] };
  const expression = `object.spec.containers.all(c, c.image != '${FORBIDDEN_IMAGE}')`;
  const spec = {
    matchConstraints: { resourceRules: [rule] },
    validations: [{ expression, message: DENIAL }],
  };
  const metadata = { name: 'images' };
  await api.call(`${path}/validatingadmissionpolicies`, { method: 'POST', body: { metadata, spec } });
  const binding = { metadata, spec: { policyName: 'images', validationActions: ['Deny'] } };
  await api.call(`${path}/validatingadmissionpolicybindings`, { method: 'POST', body: binding });
  const pod = restrictedPod('try', { container: { image: FORBIDDEN_IMAGE, ...small } });
  const dryRun = { method: 'POST', body: pod } as const;
  await eventually(async () => {
    const tried = api.call(`/api/v1/namespaces/${own.name}/pods?dryRun=All`, dryRun);
    await expect(tried).rejects.toThrow(DENIAL);
  }, 30_000);
}
