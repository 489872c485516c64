import { setTimeout as pause } from 'node:timers/promises';

import { executed } from '../support/answers.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet, type LivePod } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { PodWitness } from '../support/pod-witness.js';
import { PodsInDisguise } from '../support/pods-in-disguise.js';
import { expectUnbroken, SteadyUse } from '../support/steady-use.js';

const CLEANUP_MS = 1_000;
/** Several looks of the leader, on a busy machine. */
const SEVERAL_LOOKS_MS = 5 * CLEANUP_MS;
const LIMIT_MS = 30_000;
const MARK = 'berth.dev/condemned';

describeWithControlPlane('pods and sessions that do not belong together', () => {
  let fleet: Fleet;
  let pods: PodWitness;
  let byHand: PodsInDisguise;
  let one: BerthProcess;
  let other: BerthProcess;

  beforeAll(async () => {
    fleet = await Fleet.start({ replicas: 2, settings: { CLEANUP_INTERVAL_SECONDS: String(CLEANUP_MS / 1_000) } });
    pods = await PodWitness.of(fleet);
    byHand = new PodsInDisguise(fleet);
    [one, other] = fleet.replicas as [BerthProcess, BerthProcess];
    await fleet.untilLed();
    await one.execute('model', 0);
  }, 90_000);
  afterAll(async () => {
    await pods?.stop();
    await fleet?.stop();
  });

  const untilGone = (name: string): Promise<void> =>
    eventually(() => expect({ name, isGone: pods.isGone(name) }).toEqual({ name, isGone: true }), LIMIT_MS);

  async function markOf(id: string): Promise<string | undefined> {
    return (await fleet.podOf(id)).metadata.annotations[MARK];
  }

  it('a pod of a session that has no record is marked, then deleted', async () => {
    const name = await byHand.make('model', 'unheard-of');
    await untilGone(name);
    expect(pods.wasMarkedFirst(name)).toBe(true);
    await eventually(() => expect(pods.deleted().filter((each) => each === name)).toHaveLength(1));
    expect(await one.status('unheard-of')).toMatchObject({ status: 404 });
  }, 60_000);

  it('a second pod of a session is deleted, whatever generation it claims, and the session is none the worse', async () => {
    await one.execute('doubled', 0);
    const use = new SteadyUse(other, 'doubled');
    const [own] = pods.podsOf('doubled');
    const later = await byHand.make('model', 'doubled', { generation: 7 });
    await untilGone(later);
    expectUnbroken(await use.stop());
    expect(pods.condemnedOf('doubled')).toEqual([later]);
    expect((await fleet.podOf('doubled')).metadata.name).toBe(own);
  }, 60_000);

  it('a pod of an earlier generation is deleted, and the present one serves on', async () => {
    await one.execute('risen', 0);
    const { name: first } = (await fleet.podOf('risen')).metadata;
    await byHand.delete(first);
    await eventually(async () => {
      expect((await one.status('risen')).body).toMatchObject({ state: 'ready', generation: 2 });
    }, LIMIT_MS);
    await untilGone(first);
    const { uid } = (await fleet.podOf('risen')).metadata;
    const use = new SteadyUse(one, 'risen');
    const deletedBefore = pods.deleted().filter((each) => each === first).length;
    await byHand.make('model', 'risen', { generation: 1 });
    await eventually(() => {
      expect(pods.deleted().filter((each) => each === first)).toHaveLength(deletedBefore + 1);
    }, LIMIT_MS);
    expectUnbroken(await use.stop(), '2');
    expect((await fleet.podOf('risen')).metadata.uid).toBe(uid);
  }, 60_000);

  it('a mark on the pod of a ready session is taken back, and meanwhile the session is served', async () => {
    await one.execute('marked', 0);
    const { name, uid } = (await fleet.podOf('marked')).metadata;
    const uses = [new SteadyUse(one, 'marked'), new SteadyUse(other, 'model')];
    await byHand.annotate(name, { [MARK]: new Date(Date.now() - 1_000).toISOString() });
    await eventually(async () => expect(await markOf('marked')).toBeUndefined(), LIMIT_MS);
    expectUnbroken(await uses[0]!.stop());
    await uses[1]!.stop();
    expect((await fleet.podOf('marked')).metadata.uid).toBe(uid);
    expect((await other.status('marked')).body).toMatchObject({ state: 'ready', generation: 1 });
  }, 60_000);

  it('a session whose pod somebody deleted gets the next one by itself', async () => {
    await one.execute('bereft', 0);
    const { name } = (await fleet.podOf('bereft')).metadata;
    await byHand.delete(name);
    await eventually(async () => {
      expect((await other.status('bereft')).body).toMatchObject({
        state: 'ready',
        generation: 2,
        lastFailure: { reason: 'PodDeleted' },
      });
    }, LIMIT_MS);
    expect(executed(await other.execute('bereft', 1)).executions).toBe(1);
  }, 60_000);

  it('a session whose pod vanished without a farewell gets the next one by itself, too', async () => {
    await one.execute('vanished', 0);
    const { name } = (await fleet.podOf('vanished')).metadata;
    const path = `/api/v1/namespaces/${fleet.own.name}/pods/${name}?gracePeriodSeconds=0`;
    await fleet.api.call(path, { method: 'DELETE' });
    await eventually(async () => {
      expect((await other.status('vanished')).body).toMatchObject({ state: 'ready', generation: 2 });
    }, LIMIT_MS);
    await untilGone(name);
  }, 60_000);

  it('a pod of a schema that is not known yet is left alone and never served', async () => {
    const name = await byHand.make('model', 'of-tomorrow', { annotations: { 'berth.dev/schema': '2' } });
    await eventually(async () => expect((await podNamed(name)).status.podIP).toBeDefined(), LIMIT_MS);
    const answers = [await one.execute('of-tomorrow', 0), await other.execute('of-tomorrow', 1)];
    expect(answers.map(({ status, body }) => ({ status, executions: body.executions }))).toEqual([
      { status: 200, executions: 1 },
      { status: 200, executions: 2 },
    ]);
    const { body } = await one.status('of-tomorrow');
    expect(body).toMatchObject({ state: 'ready' });
    expect((body.pod as { name: string }).name).not.toBe(name);
    await fleet.redis.admin.flushall();
    await eventually(async () => expect(await one.status('of-tomorrow')).toMatchObject({ status: 200 }), LIMIT_MS);
    await pause(SEVERAL_LOOKS_MS);

    const pod = await podNamed(name);
    expect(pod.metadata.annotations[MARK]).toBeUndefined();
    expect(pod.metadata.deletionTimestamp).toBeUndefined();
    expect((await one.status('of-tomorrow')).body.pod).toEqual(body.pod);
    expect(pods.writes().filter(({ verb, objectRef }) => verb !== 'create' && objectRef?.name === name)).toEqual([]);
  }, 90_000);

  it('a pod that no record names is a session again once the store has lost its memory', async () => {
    const name = await byHand.make('model', 'stranger');
    await untilGone(name);
    await fleet.killAll();
    await fleet.redis.admin.flushall();
    const witness = await byHand.make('model', 'stranger', { generation: 3 });
    await eventually(async () => expect((await podNamed(witness)).status.podIP).toBeDefined(), LIMIT_MS);
    await fleet.add();
    // What the store has forgotten the pods bear witness to: this one is a session now, and alice's.
    expect((await fleet.first.status('stranger')).body).toMatchObject({ generation: 3, owner: 'alice' });
    expect(pods.condemnedOf('stranger')).not.toContain(witness);
  }, 90_000);

  async function podNamed(name: string): Promise<LivePod> {
    return fleet.api.call<LivePod>(`/api/v1/namespaces/${fleet.own.name}/pods/${name}`);
  }
});
