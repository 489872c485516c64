import { setTimeout as pause } from 'node:timers/promises';

import { proxied } from '../support/answers.js';
import { Balancer } from '../support/balancer.js';
import { BerthClient } from '../support/berth-client.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { expectOnePodEach, Load, type LoadAnswer } from '../support/load.js';
import { writeTemplates } from '../support/templates-file.js';

const PER_SECOND = 200;
const USED = Array.from({ length: 10 }, (_, at) => `used-${at}`);
/** Of a load before and after the kill. */
const LOADED_MS = 4_000;
/** A machine that is busy with other suites gets less of the load, but no less than a quarter. */
const MOST_OPEN = 100;
const FEWEST = ((2 * LOADED_MS) / 1_000) * (PER_SECOND / 4);
const SLOW_MS = 5_000;
const SLOW = 9;

describeWithControlPlane('three replicas under load, one of which is killed', () => {
  let fleet: Fleet;
  let balancer: Balancer;
  /** On connections of its own, which go to all replicas in turn. */
  let fresh: BerthClient;
  beforeAll(async () => {
    fleet = await Fleet.start({ replicas: 3, settings: { TEMPLATES_PATH: writeTemplates() } });
    balancer = await Balancer.start();
    await Promise.all(fleet.replicas.map((replica) => balancer.add(replica)));
    fresh = new BerthClient(balancer.client.url, '');
  }, 90_000);
  afterAll(async () => {
    await fresh?.close();
    await balancer?.stop();
    await fleet?.stop();
  });

  it('lose what was in flight there, and nothing else', async () => {
    const { client } = balancer;
    await client.put('demo', { template: 'demo' });
    expect(await client.call('GET', proxied('demo', '/seen'), { as: 'alice' })).toMatchObject({ status: 200 });
    const first = await Promise.all(USED.map((id) => client.execute(id, 0)));
    expect(first.map(({ status }) => status)).toEqual(USED.map(() => 200));
    const asking = { targets: () => [client], subject: 'alice', mostOpen: MOST_OPEN };
    const load = new Load({ ...asking, sessions: USED, perSecond: PER_SECOND }).start();
    await pause(LOADED_MS);
    const slow = Array.from({ length: SLOW }, () => slowly());
    await eventually(async () => expect(await openInPod()).toBeGreaterThan(SLOW));
    const killed = await fleet.untilLed();
    const fromMs = Date.now();
    fleet.forget(killed);
    await killed.kill9();
    const untilMs = Date.now();
    await pause(LOADED_MS);

    const answers = await load.stop();
    expect(answers.length).toBeGreaterThan(FEWEST);
    const failed = answers.filter(({ status }) => status !== 200);
    expect(failed.filter((answer) => !wasInFlight(answer, fromMs, untilMs))).toEqual([]);
    expectOnePodEach(answers);
    const outcomes = await Promise.all(slow);
    expect(outcomes.filter((outcome) => outcome !== 200 && outcome !== 'reset')).toEqual([]);
    expect(outcomes.filter((outcome) => outcome === 200).length).toBeGreaterThan(0);
    expect(outcomes.filter((outcome) => outcome === 'reset').length).toBeGreaterThan(0);
    for (const id of USED) await fleet.expectMadeOnce(id);
  }, 60_000);

  /** With the one that asks. */
  async function openInPod(): Promise<number> {
    return Number((await fresh.call('GET', proxied('demo', '/seen'), { as: 'alice' })).body.open);
  }

  /** Its client sees the connection break, and nothing that looks like an answer. */
  function slowly(): Promise<number | string> {
    return fresh.call('GET', proxied('demo', `/slow?ms=${SLOW_MS}`), { as: 'alice' }).then(
      ({ status }) => status,
      (error: { code?: string; message: string }) => (isReset(error.code) ? 'reset' : error.message),
    );
  }
});

/** Sent before the process was gone, and not answered before it was killed. */
function wasInFlight({ status, sentAtMs, tookMs }: LoadAnswer, fromMs: number, untilMs: number): boolean {
  return status === 0 && sentAtMs <= untilMs && sentAtMs + tookMs >= fromMs;
}

function isReset(code: string | undefined): boolean {
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET';
}
