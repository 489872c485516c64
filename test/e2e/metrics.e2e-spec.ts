import { expectProblem, proxied } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { writeTemplates } from '../support/templates-file.js';

describe('metrics', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates() });
  });

  /** Sum of the samples of a series that have these labels. */
  async function value(series: string, labels: Record<string, string> = {}): Promise<number> {
    const samples = (await berth.metrics()).split('\n').filter((line) => new RegExp(`^${series}[{ ]`).test(line));
    const matching = samples.filter((line) =>
      Object.entries(labels).every(([name, wanted]) => line.includes(`${name}="${wanted}"`)),
    );
    return matching.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
  const moved = (series: string, labels: Record<string, string>, expected: number): Promise<void> =>
    eventually(async () => expect(await value(series, labels)).toBe(expected));

  it('are in the text format of Prometheus, on a port that has nothing else', async () => {
    const answer = await berth.call('GET', `${berth.metricsUrl}/metrics`);
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': expect.stringMatching(/^text\/plain/) } });
    expect((await berth.call('GET', `${berth.metricsUrl}/api/v1/sessions`, { as: 'alice' })).status).toBe(404);
    expectProblem(await berth.call('GET', '/metrics', { as: 'alice' }), 404, 'ROUTE_NOT_FOUND');
  });

  it.each([
    ['session_pods_active', 'gauge'],
    ['session_pod_creation_duration_seconds', 'histogram'],
    ['session_pod_deletion_total', 'counter'],
    ['session_idle_timeout_total', 'counter'],
    ['session_request_duration_seconds', 'histogram'],
  ])('have %s', async (name, type) => {
    expect(await berth.metrics()).toContain(`# TYPE ${name} ${type}\n`);
  });

  it('count pods, how long they took to start, and why they were deleted', async () => {
    const before = await value('session_pods_active');
    await berth.execute('counted', 1);
    await moved('session_pods_active', {}, before + 1);
    expect(await value('session_pod_creation_duration_seconds_count', { start: 'cold' })).toBe(1);
    expect(await value('session_pod_creation_duration_seconds_sum', { start: 'cold' })).toBeLessThan(30);
    expect(await value('session_pod_deletion_total')).toBe(0);
    await berth.end('counted');
    await moved('session_pods_active', {}, before);
    await moved('session_pod_deletion_total', {}, 1);
  });

  it('count requests by route, method and status', async () => {
    const series = 'session_request_duration_seconds_count';
    const labels = { method: 'POST', code: '200' };
    const before = await value(series, labels);
    const missedBefore = await value(series, { method: 'GET', code: '404' });
    await berth.execute('routed', 1);
    await berth.execute('routed', 2);
    await moved(series, labels, before + 2);
    await berth.status('unknown');
    await moved(series, { method: 'GET', code: '404' }, missedBefore + 1);
    expect(await berth.metrics()).toMatch(/session_request_duration_seconds_count\{[^}]*route="[^"]+"/);
  });

  it('count idle sessions that were ended', async () => {
    const deleted = await value('session_pod_deletion_total');
    await berth.put('idle', { idleTimeoutSeconds: 1 });
    await eventually(async () => expect(await value('session_idle_timeout_total')).toBe(1), 8_000);
    await moved('session_pod_deletion_total', {}, deleted + 1);
  });

  it('count restarts', async () => {
    await berth.put('crashing', { template: 'demo' });
    const before = (await berth.metrics()).split('\n').filter((line) => /restart/.test(line));
    await berth.call('POST', proxied('crashing', '/crash'), { as: 'alice' });
    await eventually(async () => {
      const after = (await berth.metrics()).split('\n').filter((line) => /restart/.test(line));
      expect(after).not.toEqual(before);
    });
  });

  it.each([
    'creation.*fail|fail.*creation',
    'heal',
    'restart',
    'state="ready"',
    'capacity',
    'warm_pool',
    'in_flight',
    'reap',
    'is_leader|leader_is',
    'proxy.*error',
    'epoch|store.*up',
  ])('tell of %s', async (what) => {
    expect(await berth.metrics()).toMatch(new RegExp(`^[^#].*(${what})|^# TYPE \\S*(${what})`, 'm'));
  });

  it('never name a session, an owner or a path', async () => {
    await berth.execute('confidential-id', 1, { as: 'confidential-owner' });
    await berth.call('GET', proxied('confidential-id', '/confidential-path'), { as: 'confidential-owner' });
    await berth.call('GET', '/confidential-path', { as: 'confidential-owner' });
    await berth.call('CONFIDENTIAL-METHOD', '/health').catch(() => undefined);
    await berth.call('PROPFIND', '/confidential-path', { as: 'confidential-owner' });
    const metrics = await berth.metrics();
    expect(metrics).toContain('session_request_duration_seconds_count');
    expect(metrics).not.toMatch(/confidential/i);
  });
});
