import { setTimeout as pause } from 'node:timers/promises';

import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet, LEASE } from '../support/fleet.js';
import { type ControlPlane, describeWithControlPlane, startOwnControlPlane } from '../support/kubernetes/index.js';
import { expectUnbroken, SteadyUse } from '../support/steady-use.js';

const PAUSED_MS = 20_000;
/** Of each call to the API server. */
const DEADLINE_MS = 10_000;
/** For a machine with other things to do. */
const SLACK_MS = 6_000;

describeWithControlPlane('an API server that is frozen, and its connections with it', () => {
  let controlPlane: ControlPlane;
  let fleet: Fleet;
  let used: SteadyUse;
  let frozenAtMs: number;

  const first = (): BerthProcess => fleet.replicas[0]!;
  const second = (): BerthProcess => fleet.replicas[1]!;
  const within = async <T>(limitMs: number, call: Promise<T>): Promise<T | string> => {
    const isOver = new AbortController();
    const late = pause(limitMs, `no answer within ${limitMs} ms`, { signal: isOver.signal });
    late.catch(() => undefined);
    return Promise.race([call, late]).finally(() => isOver.abort());
  };

  beforeAll(async () => {
    controlPlane = await startOwnControlPlane();
    fleet = await Fleet.start({ controlPlane, replicas: 2 });
    await fleet.untilLed();
    await Promise.all(['used', 'resting', 'logged', 'kept'].map((id) => first().execute(id, {})));
    await eventually(async () => {
      for (const replica of fleet.replicas) expect(await replica.metrics()).toMatch(/^session_pods_active 4$/m);
    }, 15_000);
    used = new SteadyUse(first(), 'used');
    controlPlane.pauseApiServer();
    // All its threads have stopped only when it answers nobody.
    await eventually(() => expect(fleet.api.text('/readyz', { signal: AbortSignal.timeout(1_000) })).rejects.toThrow());
    frozenAtMs = performance.now();
  }, 90_000);
  afterAll(async () => {
    controlPlane?.resumeApiServer();
    await used?.stop();
    await fleet?.stop();
    await controlPlane?.stop();
  }, 30_000);

  it('keeps nobody waiting for longer than a call may take', async () => {
    const refused = DEADLINE_MS + SLACK_MS;
    const [created, ended, logs, known, shown] = await Promise.all([
      within(refused, first().execute('new', {})),
      within(refused, second().end('kept')),
      within(refused, second().call('GET', '/api/v1/session/logged/logs', { as: 'alice' })),
      within(DEADLINE_MS / 2, second().execute('resting', {})),
      within(DEADLINE_MS / 2, second().status('resting')),
    ]);
    const unavailable = { status: 503, body: { code: 'DEPENDENCY_UNAVAILABLE' } };
    expect({ created, ended, logs }).toMatchObject({ created: unavailable, ended: unavailable, logs: unavailable });
    expect(known).toMatchObject({ status: 200, body: { executions: 2 } });
    expect(shown).toMatchObject({ status: 200, body: { state: 'ready' } });
  }, 40_000);

  it('costs its leader the lead, and leaves replicas ready', async () => {
    await eventually(async () => expect(await fleet.leader()).toBeUndefined(), LEASE.renewDeadlineMs + SLACK_MS);
    for (const replica of fleet.replicas) {
      expect(await replica.call('GET', '/health/ready')).toMatchObject({ status: 200 });
    }
  });

  it('keeps known sessions going also while the store is frozen with it', async () => {
    fleet.redis.pause();
    // Longer than what was told within the touch window stays fresh.
    await pause(Math.max(6_000, frozenAtMs + PAUSED_MS - performance.now()));
    for (const replica of fleet.replicas) {
      const answer = await within(DEADLINE_MS / 2, replica.execute('resting', {}));
      expect(answer).toMatchObject({ status: 200 });
    }
    fleet.redis.resume();
  }, 60_000);

  it('that goes on finds a leader, and everything as it was', async () => {
    controlPlane.resumeApiServer();
    await fleet.untilLed(30_000);
    const uses = await used.stop();
    expectUnbroken(uses);
    // None of them waited for a call to the API server.
    expect(Math.max(...uses.map(({ tookMs }) => tookMs))).toBeLessThan(DEADLINE_MS / 2);
    await eventually(async () => {
      expect(await second().execute('new', {})).toMatchObject({
        status: 200,
        body: { executions: expect.any(Number) },
      });
    }, 20_000);
    for (const id of ['used', 'resting', 'logged', 'kept', 'new']) {
      expect(await second().status(id)).toMatchObject({ body: { state: 'ready', generation: 1 } });
      await fleet.expectMadeOnce(id);
    }
    expect(fleet.podCalls('delete')).toEqual([]);
  }, 60_000);
});
