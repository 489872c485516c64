import { readFileSync, writeFileSync } from 'node:fs';

import { expectProblem } from '../support/answers.js';
import { ApiFront, type Asked } from '../support/api-front.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane, sharedControlPlane } from '../support/kubernetes/index.js';
import { expectUnbroken, SteadyUse } from '../support/steady-use.js';
import { temporaryPath } from '../support/templates-file.js';

const looksForPods = ({ method, path }: Asked): boolean => method === 'GET' && /\/pods\b/.test(path);
/** Lists and watches. */
const followsPods = ({ path }: Asked): boolean => /\/pods(\?|$)/.test(path);

describeWithControlPlane('an API server that refuses', () => {
  let front: ApiFront;
  let fleet: Fleet;
  /** Reaches the API server through the front. */
  let refused: BerthProcess;
  let other: BerthProcess;

  beforeAll(async () => {
    front = await ApiFront.before(sharedControlPlane());
    fleet = await Fleet.start({ replicas: 0 });
    refused = await fleet.add(fleet.through(front.address));
    await fleet.untilLed();
    other = await fleet.add();
  }, 60_000);
  afterAll(async () => {
    await fleet?.stop();
    await front?.close();
  });

  it.each([401, 403, 429, 500])(
    'everything (%d) keeps nobody from a known session, ends nothing, and is used again afterwards',
    async (status) => {
      const [known, fresh] = [`known-${status}`, `new-${status}`];
      await refused.execute(known, {});
      const use = new SteadyUse(refused, known);
      const standing = front.answer(() => true, { status });
      front.cut();
      await eventually(async () => {
        const health = await refused.call('GET', '/health');
        expect(health).toMatchObject({ status: 503, body: { details: { runtime: { status: 'down' } } } });
        expect(health.text).toContain(`it says ${status}`);
      }, 30_000);
      expectProblem(await refused.execute(fresh, {}), 503, 'DEPENDENCY_UNAVAILABLE');
      expect(await refused.call('GET', '/health/ready')).toMatchObject({ status: 200 });
      await eventually(async () => expect(await other.metrics()).toMatch(/^session_is_leader 1$/m), 30_000);
      await eventually(() => expect(standing.met).toBeGreaterThan(5), 30_000);
      standing.callOff();
      await eventually(async () => expect(await refused.call('GET', '/health')).toMatchObject({ status: 200 }), 30_000);
      expectUnbroken(await use.stop());
      await eventually(async () => expect(await refused.execute(fresh, {})).toMatchObject({ status: 200 }), 30_000);
      await fleet.expectMadeOnce(known);
      await fleet.expectMadeOnce(fresh);
    },
    80_000,
  );

  describe('a look at a pod that a replica has not seen', () => {
    const refusals = [
      ['500', { status: 500 }],
      ['429', { status: 429 }],
      ['403', { status: 403 }],
      ['401', { status: 401 }],
      ['404 of something else', { status: 404, body: 'default backend - 404' }],
    ] as const;
    const idOf = (named: string): string => `unseen-${named.replace(/ /g, '-')}`;

    beforeAll(async () => {
      front.answer(followsPods, { status: 503 });
      front.cut();
      await Promise.all(refusals.map(([named]) => other.execute(idOf(named), {})));
    }, 30_000);

    it.each(refusals)('with %s does not make it absent', async (named, instead) => {
      const standing = front.answer(looksForPods, instead);
      expectProblem(await refused.execute(idOf(named), {}), 503, 'DEPENDENCY_UNAVAILABLE');
      expect(standing.met).toBeGreaterThan(1);
      standing.callOff();
      expect(await other.execute(idOf(named), {})).toMatchObject({ status: 200, body: { executions: 2 } });
      await fleet.expectMadeOnce(idOf(named));
    });
  });

  describe('a replica whose token it does not know', () => {
    let unknown: BerthProcess;
    beforeAll(async () => {
      await other.execute('of-others', {});
      const kubeconfig = temporaryPath('unknown.kubeconfig');
      const known = readFileSync(fleet.own.berthKubeconfig, 'utf8');
      writeFileSync(kubeconfig, known.replace(/token-of-berth/g, 'token-of-nobody'));
      unknown = await fleet.launch({ KUBECONFIG: kubeconfig });
    }, 60_000);

    it('makes it say so in its log and its health', async () => {
      await eventually(() => {
        const [line] = unknown.logLines().filter(({ event }) => event === 'kubernetes.watch-broken');
        expect(line).toMatchObject({ error: { status: 401 } });
      });
      const health = await unknown.call('GET', '/health');
      expect(health).toMatchObject({ status: 503, body: { details: { runtime: { status: 'down' } } } });
      expect(health.text).toContain('Unauthorized');
      expect(unknown.output()).not.toContain('token-of-nobody');
    });

    it('keeps it from being ready, and from leading', async () => {
      expect(await unknown.call('GET', '/health/ready')).toMatchObject({ status: 503 });
      expect(await unknown.metrics()).toMatch(/^session_is_leader 0$/m);
    });

    it('tells it nothing about pods: it neither misses one nor makes one', async () => {
      expectProblem(await unknown.execute('of-others', {}), 503, 'DEPENDENCY_UNAVAILABLE');
      expectProblem(await unknown.execute('of-nobody', {}), 503, 'DEPENDENCY_UNAVAILABLE');
      expect(await other.execute('of-others', {})).toMatchObject({ status: 200, body: { executions: 2 } });
    });

    it('does no harm to others: they make what was asked of it', async () => {
      expect(await other.execute('of-nobody', {})).toMatchObject({ status: 200, body: { executions: 1 } });
      await fleet.expectMadeOnce('of-nobody');
    });
  });

  it('has been asked to delete nothing', () => {
    expect(fleet.podCalls('delete')).toEqual([]);
  });
});
