import { setTimeout as pause } from 'node:timers/promises';

import { podName } from '../../src/lifecycle/runtime/pod-name.js';
import { executed, expectProblem } from '../support/answers.js';
import type { Answer } from '../support/berth-client.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { crashLoop, describeWithControlPlane, type Which } from '../support/kubernetes/index.js';
import { sessionId } from '../support/openings.js';

/** Generous, as the machine may be busy; healing itself takes a moment. */
const HEALING_MS = 20_000;
const START_MS = 60_000;

const podsOf =
  (id: string): Which =>
  ({ metadata }) =>
    metadata.labels?.['session-id'] === id;

describeWithControlPlane('a pod that dies in a cluster', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    // Whatever is healed here is not healed by the leader's next round, which is a long way off.
    fleet = await Fleet.start({
      replicas: 2,
      settings: { CLEANUP_INTERVAL_SECONDS: '3600' },
      kubelet: { mode: 'processes' },
    });
    await fleet.untilLed();
  }, START_MS);
  afterAll(() => fleet.stop());

  const execute = (id: string, data: unknown = 1, options = {}): Promise<Answer> =>
    fleet.first.execute(id, data, options);
  /** Without any request but for the status, which is no use. */
  const healed = (id: string, generation: number, more: object = {}): Promise<Answer> =>
    eventually(async () => {
      const status = await fleet.first.status(id);
      expect(status.body).toMatchObject({ state: 'ready', generation, ...more });
      return status;
    }, HEALING_MS);
  const onlyPodOf = (id: string, generation: number): Promise<void> =>
    eventually(async () => {
      const pods = (await fleet.pods()).filter(({ metadata }) => metadata.labels['session-id'] === id);
      expect(pods.map(({ metadata }) => metadata.labels['berth.dev/generation'])).toEqual([String(generation)]);
    }, HEALING_MS);

  it('by a signal is started again in place: same generation, state kept, and the next request is answered', async () => {
    const before = executed(await execute('killed', { kept: true }));
    const uid = (await fleet.podOf('killed')).metadata.uid;
    fleet.kubelet.kill(podsOf('killed'));
    await healed('killed', 1, { restarts: 1 });
    const after = await fleet.replicas[1]!.execute('killed', { more: 1 });
    expect(executed(after)).toMatchObject({ executions: 2, previous: { kept: true } });
    expect(executed(after).pid).not.toBe(before.pid);
    expect(after.headers).toMatchObject({ 'x-session-generation': '1', 'x-session-restarts': '1' });
    expect((await fleet.podOf('killed')).metadata.uid).toBe(uid);
  }, 60_000);

  it('by a signal is waited for by requests that come right then', async () => {
    await execute('awaited', { kept: true });
    const pod = (await fleet.podOf('awaited')).metadata.name;
    fleet.kubelet.kill(podsOf('awaited'));
    await eventually(() => expect(fleet.kubelet.pods().find(({ name }) => name === pod)?.isReady).toBe(false));
    // What is sent before Berth has read that the connections of the dead process are closed is lost, and told so.
    await pause(100);
    const answers = await Promise.all(
      fleet.replicas.flatMap((replica) => [1, 2].map((n) => replica.execute('awaited', n))),
    );
    const executions = answers.map((answer) => executed(answer).executions);
    expect(executions.sort()).toEqual([2, 3, 4, 5]);
    expect(answers.map(({ headers }) => headers['x-session-generation'])).toEqual(['1', '1', '1', '1']);
  }, 60_000);

  it('for want of memory is started again in place the first time', async () => {
    await execute('hungry', { kept: true });
    fleet.kubelet.oomKill(podsOf('hungry'));
    await healed('hungry', 1, { restarts: 1 });
    expect(executed(await execute('hungry', 2))).toMatchObject({ executions: 2, previous: { kept: true } });
  }, 60_000);

  it('for want of memory again and again is replaced, and says so', async () => {
    await execute('starved', { lost: true });
    for (const restarts of [1, 2]) {
      fleet.kubelet.oomKill(podsOf('starved'));
      await healed('starved', 1, { restarts });
    }
    fleet.kubelet.oomKill(podsOf('starved'));
    const { body } = await healed('starved', 2, { restarts: 0 });
    expect(body.lastFailure).toMatchObject({ reason: 'OOMKilled', message: expect.stringMatching(/memory/) });
    expectProblem(
      await execute('starved', 1, { headers: { 'if-session-generation': '1' } }),
      412,
      'GENERATION_MISMATCH',
    );
    expect(executed(await execute('starved'))).toMatchObject({ executions: 1, previous: null });
    await onlyPodOf('starved', 2);
  }, 60_000);

  it.each([
    ['by eviction', 'evicted', 'Evicted', () => fleet.kubelet.evict(podsOf('evicted'))],
    ['by disruption', 'disrupted', 'EvictionByEvictionAPI', () => fleet.kubelet.disrupt(podsOf('disrupted'))],
    ['by deletion', 'deleted', 'PodDeleted', () => deletePodOf('deleted')],
  ])(
    '%s is replaced without being asked for, and its end is told',
    async (_how, id, reason, die) => {
      await execute(id, { lost: true });
      await die();
      const { body } = await healed(id, 2, { restarts: 0 });
      expect(body.lastFailure).toMatchObject({ reason, message: expect.any(String), at: expect.any(String) });
      const after = await fleet.replicas[1]!.execute(id, 1);
      expect(executed(after)).toMatchObject({ executions: 1, previous: null });
      expect(after.headers).toMatchObject({ 'x-session-generation': '2', 'x-session-restarts': '0' });
      await onlyPodOf(id, 2);
    },
    60_000,
  );

  it('is replaced by one that answers the client who asks right then', async () => {
    await execute('asked', { lost: true });
    await fleet.kubelet.evict(podsOf('asked'));
    const answers = await Promise.all(fleet.replicas.map((replica) => replica.execute('asked', 1)));
    expect(answers.map((answer) => executed(answer).executions).sort()).toEqual([1, 2]);
    expect(answers.map(({ headers }) => headers['x-session-generation'])).toEqual(['2', '2']);
  }, 60_000);

  it('again and again is replaced after longer and longer pauses', async () => {
    await execute('unlucky');
    for (const [generation, pauseMs] of [
      [2, 0],
      [3, 1_000],
      [4, 2_000],
    ] as const) {
      const atMs = Date.now();
      await deletePodOf('unlucky');
      await healed('unlucky', generation);
      const { name } = (await fleet.podOf('unlucky')).metadata;
      const made = fleet.podsMade().find(({ objectRef }) => objectRef?.name === name);
      expect(Date.parse(made!.requestReceivedTimestamp) - atMs).toBeGreaterThanOrEqual(pauseMs);
    }
  }, 90_000);

  it('at every start is given up after three generations, with its last words for the client', async () => {
    fleet.kubelet.fail(podsOf('doomed'), crashLoop({ says: 'the flux capacitor is missing' }));
    const held = await execute('doomed');
    const later = await execute('doomed');
    for (const refused of [held, later]) {
      expectProblem(refused, 503, 'SESSION_START_FAILED');
      expect(refused.body).toMatchObject({
        reason: 'CrashLoopBackOff',
        detail: expect.stringContaining('the flux capacitor is missing'),
      });
    }
    const { body } = await fleet.replicas[1]!.status('doomed');
    expect(body).toMatchObject({
      state: 'failed',
      generation: 3,
      lastFailure: { reason: 'CrashLoopBackOff', message: expect.stringContaining('the flux capacitor is missing') },
    });
    const names = [1, 2, 3, 4].map((generation) => podName(sessionId('doomed'), generation));
    await eventually(() => {
      const made = fleet.podsMade().map(({ objectRef }) => objectRef?.name);
      expect(names.filter((name) => made.includes(name))).toEqual(names.slice(0, 3));
    });
  }, 90_000);

  it('at every start is given up just so when nobody waits for it', async () => {
    fleet.kubelet.fail(podsOf('unwatched'), crashLoop({ says: 'cannot find my keys' }));
    await fleet.first.put('unwatched');
    await eventually(async () => {
      expect((await fleet.first.status('unwatched')).body).toMatchObject({
        state: 'failed',
        generation: 3,
        lastFailure: { reason: 'CrashLoopBackOff', message: expect.stringContaining('cannot find my keys') },
      });
    }, 40_000);
  }, 90_000);

  it('never answers again once its successor has, and each generation has a state of its own', async () => {
    const clients = fleet.replicas.map((replica) => new KeenClient(replica, 'mixed'));
    const deaths = [
      () => fleet.kubelet.evict(podsOf('mixed')),
      () => deletePodOf('mixed'),
      () => fleet.kubelet.disrupt(podsOf('mixed')),
      () => Promise.resolve(),
    ];
    for (const [at, die] of deaths.entries()) {
      await eventually(() => expect(clients.map(({ generation }) => generation)).toEqual([at + 1, at + 1]), HEALING_MS);
      await die();
    }
    const answers = await Promise.all(clients.map((client) => client.stop()));
    for (const own of answers) expect(own.map(generationOf)).toEqual(own.map(generationOf).sort());
    for (const generation of [1, 2, 3, 4]) {
      const own = answers.flat().filter((answer) => generationOf(answer) === generation);
      expect(new Set(own.map((answer) => executed(answer).pid)).size).toBe(1);
      const counts = own.map((answer) => executed(answer).executions).sort((a, b) => a - b);
      expect(new Set(counts).size).toBe(counts.length);
    }
  }, 120_000);

  async function deletePodOf(id: string): Promise<void> {
    const { name } = (await fleet.podOf(id)).metadata;
    await fleet.api.call(`/api/v1/namespaces/${fleet.own.name}/pods/${name}`, { method: 'DELETE' });
  }
});

function generationOf({ headers }: Answer): number {
  return Number(headers['x-session-generation']);
}

/** Asks again as soon as it was answered; keeps the answers that came from a pod. */
class KeenClient {
  private readonly answers: Answer[] = [];
  private readonly asking: Promise<void>;
  private isStopped = false;

  constructor(
    private readonly replica: BerthProcess,
    private readonly id: string,
  ) {
    this.asking = this.keepAsking();
  }

  get generation(): number {
    const last = this.answers.at(-1);
    return last ? generationOf(last) : 0;
  }

  async stop(): Promise<Answer[]> {
    this.isStopped = true;
    await this.asking;
    return this.answers;
  }

  private async keepAsking(): Promise<void> {
    while (!this.isStopped) {
      const answer = await this.replica.execute(this.id, 1);
      if (answer.status === 200) this.answers.push(answer);
      // What was under way when its pod died is lost with it; nothing else is.
      else expectProblem(answer, 502, 'POD_LOST');
    }
  }
}
