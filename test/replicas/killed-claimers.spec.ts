import { executed } from '../support/answers.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet, type LivePod } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';

const POOL = 6;
const SESSIONS = 12;
const START_MS = 90_000;
const SETTLED_MS = 60_000;

/**
 * Between the patch that claims a warm pod and the record that names it there is a moment in which only the pod knows.
 * Replicas are killed in the middle of twelve first requests, when some sessions have a pod and others do not.
 */
describeWithControlPlane('replicas that are killed while they claim warm pods', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    const settings = { WARM_POOL_SIZE: String(POOL), CLEANUP_INTERVAL_SECONDS: '2' };
    fleet = await Fleet.start({ replicas: 3, settings });
  }, START_MS);
  afterAll(() => fleet.stop());

  const podsOf = async (ids: readonly string[]): Promise<LivePod[]> =>
    (await fleet.pods()).filter(({ metadata }) => ids.includes(metadata.labels['session-id'] ?? ''));
  const kill = async (replicas: readonly BerthProcess[]): Promise<void> => {
    for (const replica of [...replicas]) fleet.forget(replica);
    await Promise.all(replicas.map((replica) => replica.kill9()));
  };
  /** As its client would: asks until it is answered. */
  const answered = (id: string): Promise<number> =>
    eventually(async () => executed(await fleet.first.execute(id, 1)).executions, SETTLED_MS);

  it.each([
    ['one that does not lead, as the first pod is claimed', 1, (leader: BerthProcess) => [others(leader)[0]!]],
    ['the leader, as some are claimed', 5, (leader: BerthProcess) => [leader]],
    ['all but one, as the pool runs out', POOL, (leader: BerthProcess) => [leader, others(leader)[0]!]],
    ['all of them', 3, (leader: BerthProcess) => [leader, ...others(leader)]],
  ])(
    'leave one pod for each session when they are %s',
    async (what, claimed, victims) => {
      const leader = await fleet.untilLed(30_000);
      await eventually(async () => expect(await fleet.pods()).toHaveLength(POOL), SETTLED_MS);
      const ids = Array.from({ length: SESSIONS }, (_, at) => `${what.replaceAll(/\W/g, '')}-${at}`);
      const asked = ids.map((id, at) =>
        fleet.replicas[at % fleet.replicas.length]!.execute(id, 1).catch(() => undefined),
      );
      await eventually(async () => expect((await podsOf(ids)).length).toBeGreaterThanOrEqual(claimed), SETTLED_MS);
      await kill(victims(leader));
      await Promise.all(asked);
      while (fleet.replicas.length < 3) await fleet.add();

      for (const executions of await Promise.all(ids.map(answered))) expect([1, 2]).toContain(executions);
      await eventually(async () => {
        const pods = await podsOf(ids);
        expect(pods.map(({ metadata }) => metadata.labels['session-id']).sort()).toEqual([...ids].sort());
        expect(await fleet.pods()).toHaveLength(SESSIONS + POOL);
      }, SETTLED_MS);
      const names = new Map((await podsOf(ids)).map(({ metadata }) => [metadata.labels['session-id'], metadata.name]));
      for (const id of ids) {
        const { body } = await fleet.first.status(id);
        expect(body).toMatchObject({ state: 'ready', generation: 1, pod: { name: names.get(id) } });
      }
      for (const id of ids) expect(await fleet.first.end(id)).toMatchObject({ status: 204 });
    },
    240_000,
  );

  function others(leader: BerthProcess): BerthProcess[] {
    return fleet.replicas.filter((replica) => replica !== leader);
  }
});
