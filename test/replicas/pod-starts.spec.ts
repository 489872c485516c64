import { executed, expectProblem } from '../support/answers.js';
import type { Answer } from '../support/berth-client.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import {
  describeWithControlPlane,
  silent,
  stuckCreating,
  unschedulable,
  type Fate,
  type Which,
} from '../support/kubernetes/index.js';
import { writeTemplates } from '../support/templates-file.js';

const START_MS = 60_000;
const POD_CREATION_TIMEOUT = '8';
const NO_NODE = '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.';
const NO_VOLUME = 'MountVolume.SetUp failed for volume "models" : timed out waiting for the condition';

const podsOf =
  (id: string): Which =>
  ({ metadata }) =>
    metadata.labels?.['session-id'] === id;

interface Hindrance {
  id: string;
  fate: Fate;
  /** What the clients are told. */
  reason: string;
  message: string;
}

/** What may be wrong with a start, as Kubernetes shows it. */
const HINDRANCES: Hindrance[] = [
  waiting('ImagePullBackOff', 'Back-off pulling image "berth.test/session:1"'),
  waiting('ErrImagePull', 'failed to resolve reference "berth.test/session:1": not found'),
  waiting('CreateContainerConfigError', 'secret "api-key" not found'),
  { id: 'unschedulable', fate: unschedulable(NO_NODE), reason: 'Unschedulable', message: NO_NODE },
  { id: 'stuck', fate: stuckCreating(NO_VOLUME), reason: 'FailedMount', message: NO_VOLUME },
  { id: 'silent', fate: silent, reason: 'NotReady', message: 'does not answer GET /health on port 8080' },
];

function waiting(reason: string, message: string): Hindrance {
  return { id: reason, fate: { waiting: reason, message }, reason, message };
}

interface Outcome {
  meanwhile: Answer;
  held: Answer;
  heldMs: number;
  status: Answer;
  later: Answer;
}

describeWithControlPlane('a pod that does not start', () => {
  let fleet: Fleet;
  /** All at once, as each takes the time of a start that is given up. */
  const outcomes = new Map<string, Promise<Outcome>>();
  beforeAll(async () => {
    fleet = await Fleet.start({ replicas: 2, settings: { POD_CREATION_TIMEOUT, CLEANUP_INTERVAL_SECONDS: '3600' } });
    await fleet.untilLed();
    for (const hindrance of HINDRANCES) {
      const outcome = failToStart(fleet, hindrance);
      outcome.catch(() => undefined); // told by the test that awaits it
      outcomes.set(hindrance.id, outcome);
    }
  }, START_MS);
  afterAll(() => fleet.stop());

  describe.each(HINDRANCES)('for $reason', ({ id, reason, message }) => {
    const said = { reason, message: expect.stringContaining(message) as unknown };

    it('says so in its status on every replica while requests wait for it', async () => {
      const { meanwhile } = await outcomes.get(id)!;
      expect(meanwhile.body).toMatchObject({ state: 'creating', generation: 1, lastFailure: said });
    }, 40_000);

    it('is given up at the deadline: who was held is told so, with the reason', async () => {
      const { held, heldMs, status } = await outcomes.get(id)!;
      expectProblem(held, 504, 'SESSION_START_TIMEOUT');
      expect(held.body).toMatchObject({ reason, detail: expect.stringContaining(message) });
      expect(heldMs).toBeGreaterThanOrEqual(Number(POD_CREATION_TIMEOUT) * 1_000 - 100);
      expect(status.body).toMatchObject({ state: 'failed', generation: 1, lastFailure: said });
    }, 40_000);

    it('is not tried again at once: who asks then is told why, and when to come back', async () => {
      const { later } = await outcomes.get(id)!;
      expectProblem(later, 503, 'SESSION_START_FAILED');
      expect(later.body).toMatchObject({ reason, detail: expect.stringContaining(message) });
    }, 40_000);
  });

  it('leaves no pod behind', async () => {
    await Promise.all(outcomes.values());
    await eventually(async () => expect(await fleet.pods()).toEqual([]), 20_000);
  }, 60_000);
});

/** One session that cannot start, as its client and another one live it. */
async function failToStart(fleet: Fleet, { id, fate, reason }: Hindrance): Promise<Outcome> {
  fleet.kubelet.fail(podsOf(id), fate);
  const [one, other] = fleet.replicas;
  const beganAtMs = performance.now();
  let heldMs = 0;
  const holding = one!.execute(id, 1).finally(() => (heldMs = performance.now() - beganAtMs));
  let meanwhile: Answer;
  for (;;) {
    meanwhile = await other!.status(id);
    const { state, lastFailure } = meanwhile.body as { state?: string; lastFailure?: { reason: string } };
    if (state === 'failed' || lastFailure?.reason === reason) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const held = await holding;
  const [status, later] = [await other!.status(id), await other!.execute(id, 1)];
  return { meanwhile, held, heldMs, status, later };
}

describeWithControlPlane('a pod that starts after all', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ replicas: 2, settings: { TEMPLATES_PATH: writeTemplates() } });
  }, START_MS);
  afterAll(() => fleet.stop());

  it.each([
    ['once its image is there', 'image', { waiting: 'ImagePullBackOff', message: 'no such image' }, 'ImagePullBackOff'],
    ['once a node was found for it', 'node', unschedulable(NO_NODE), 'Unschedulable'],
    ['once its volume is there', 'volume', stuckCreating(NO_VOLUME), 'FailedMount'],
  ])(
    '%s serves those who waited',
    async (_when, id, fate: Fate, reason) => {
      const callOff = fleet.kubelet.fail(podsOf(id), fate);
      const held = fleet.replicas.map((replica) => replica.execute(id, 1));
      await eventually(async () => {
        const { body } = await fleet.first.status(id);
        expect(body).toMatchObject({ state: 'creating', lastFailure: { reason } });
      }, 20_000);
      callOff();
      const answers = await Promise.all(held);
      expect(answers.map((answer) => executed(answer).executions).sort()).toEqual([1, 2]);
      for (const { headers } of answers)
        expect(headers).toMatchObject({ 'x-session-generation': '1', 'x-session-start': 'cold' });
      const { body } = await fleet.first.status(id);
      expect(body).toMatchObject({ state: 'ready', generation: 1 });
      expect(body).not.toHaveProperty('lastFailure');
    },
    60_000,
  );
});
