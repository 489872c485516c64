import { executed, expectProblem, proxied } from '../support/answers.js';
import type { Answer, CallOptions } from '../support/berth-client.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { eventOf, nextMessage, serverEvents, type ServerEvent } from '../support/streams.js';
import { writeTemplates } from '../support/templates-file.js';

/** What a user sees first, on a cluster, through two replicas of equal right and with no more rights than the chart gives. */
describeWithControlPlane('the first use of a session on Kubernetes', () => {
  let fleet: Fleet;
  let one: BerthProcess;
  let other: BerthProcess;
  beforeAll(async () => {
    fleet = await Fleet.start({
      replicas: 2,
      settings: { TEMPLATES_PATH: writeTemplates() },
      kubelet: { mode: 'processes' },
    });
    [one, other] = fleet.replicas as [BerthProcess, BerthProcess];
  }, 60_000);
  afterAll(() => fleet.stop());

  const get = (berth: BerthProcess, path: string, options: CallOptions = {}): Promise<Answer> =>
    berth.call('GET', path, { as: 'alice', ...options });

  it('starts a pod, and shows a second call through another replica what the first one left', async () => {
    const first = await one.execute('greeting', { name: 'Ada' });
    expect(executed(first)).toMatchObject({ sessionId: 'greeting', executions: 1, previous: null });
    expect(first.headers).toMatchObject({
      'x-session-id': 'greeting',
      'x-session-generation': '1',
      'x-session-restarts': '0',
      'x-session-start': 'cold',
      'server-timing': expect.any(String),
      'x-request-id': expect.any(String),
    });
    const second = await other.execute('greeting', { count: 2 });
    expect(executed(second)).toMatchObject({
      executions: 2,
      previous: { name: 'Ada' },
      data: { name: 'Ada', count: 2 },
      pid: executed(first).pid,
    });
    expect(second.headers).toMatchObject({ 'x-session-start': 'none', 'x-session-generation': '1' });
  });

  it('marks the pod so that it is found again by people and by Berth', async () => {
    await one.execute('Marked.1', 1);
    const { labels, annotations } = (await fleet.podOf('Marked.1')).metadata;
    expect(labels).toMatchObject({
      'app.kubernetes.io/managed-by': 'berth',
      'berth.dev/session': expect.stringMatching(/^[0-9a-f]{32}$/),
      'berth.dev/generation': '1',
      'berth.dev/template': 'default',
      'session-id': 'Marked.1',
    });
    expect(Object.values(annotations)).toEqual(expect.arrayContaining(['Marked.1', 'alice']));
    expect(annotations).toHaveProperty(['karpenter.sh/do-not-disrupt'], 'true');
  });

  it('takes any id that the contract allows, also where it is no label', async () => {
    const id = `a${'~.-_'.repeat(31)}xyZ`;
    expect(id).toHaveLength(128);
    expect(executed(await one.execute(id, 1))).toMatchObject({ sessionId: id, executions: 1 });
    expect(executed(await other.execute(id, 2))).toMatchObject({ sessionId: id, executions: 2 });
  });

  it('shows in the status which pod on which node it is, on every replica', async () => {
    await one.execute('shown', 1);
    const pod = await fleet.podOf('shown');
    for (const berth of [one, other]) {
      const { status, body } = await berth.status('shown');
      expect(status).toBe(200);
      expect(body).toMatchObject({
        id: 'shown',
        state: 'ready',
        generation: 1,
        restarts: 0,
        template: 'default',
        owner: 'alice',
        pod: { name: pod.metadata.name, node: fleet.kubelet.nodeName },
      });
      expect(body.pod).not.toHaveProperty('address');
      const asAdmin = await berth.status('shown', { as: { subject: 'root', scope: 'berth:admin' } });
      expect(asAdmin.body.pod).toMatchObject({ address: `${pod.status.podIP}:8080` });
    }
  });

  it('prints its logs, and follows them, through the replica that did not start it', async () => {
    await one.execute('chatty', 1);
    await eventually(async () => {
      const logs = await get(other, '/api/v1/session/chatty/logs');
      expect(logs).toMatchObject({ status: 200, text: expect.stringContaining('execute 1') });
    });
    const followed = await other.open('GET', '/api/v1/session/chatty/logs?follow=1', { as: 'alice' });
    expect(followed.statusCode).toBe(200);
    let text = '';
    followed.body.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    followed.body.on('error', () => undefined);
    await eventually(() => expect(text).toContain('execute 1'));
    await one.execute('chatty', 2);
    await eventually(() => expect(text.match(/execute \d/g)).toEqual(['execute 1', 'execute 2']));
    followed.body.destroy();
  });

  it('proxies requests, WebSockets and event streams', async () => {
    await one.put('px', { template: 'demo' });
    const path = '/headers/a%2Fb?x=1&x=2';
    const echoed = await other.call('PATCH', proxied('px', path), { as: 'alice', body: 'a body' });
    expect(echoed).toMatchObject({ status: 200, body: { method: 'PATCH', url: path, body: 'a body' } });
    expect(echoed.body.headers).toMatchObject({ 'x-session-id': 'px', 'x-session-generation': '1' });
    expect(echoed.body.headers).not.toHaveProperty('authorization');

    const socket = await one.socket(proxied('px', '/ws'), { as: 'alice' });
    socket.send('hello');
    expect(await nextMessage(socket)).toBe('hello');
    socket.close();

    const stream = await other.open('GET', '/events', { as: 'alice', headers: { 'x-session-id': 'px' } });
    expect(JSON.parse((await eventOf(serverEvents(stream.body), 'tick', 3)).data)).toEqual({ tick: 3 });
    stream.body.on('error', () => undefined).destroy();
  });

  it('tells its moves as events, also of what another replica does', async () => {
    await one.execute('eventful', 1);
    const answer = await other.open('GET', '/api/v1/session/eventful/events', { as: 'alice' });
    const events = serverEvents(answer.body);
    const now = (await events.next()).value as ServerEvent;
    expect({ event: now.event, data: JSON.parse(now.data) as object }).toMatchObject({
      event: 'ready',
      data: { id: 'eventful', state: 'ready', generation: 1 },
    });
    expect(await one.end('eventful')).toMatchObject({ status: 204 });
    expect(JSON.parse((await eventOf(events, 'terminating')).data)).toMatchObject({ state: 'terminating' });
    expect(JSON.parse((await eventOf(events, 'ended')).data)).toMatchObject({ state: 'ended' });
    answer.body.on('error', () => undefined).destroy();
  });

  it('is opened ahead of use with a template, an environment and time-outs, which may be changed', async () => {
    const asked = { template: 'demo', env: { GREETING: 'hi $(HOME) there' }, idleTimeoutSeconds: 300 };
    expect(await one.put('ahead', asked)).toMatchObject({ status: 201, body: { state: 'creating', template: 'demo' } });
    expect(await other.put('ahead', asked)).toMatchObject({ status: 200 });
    const env = await get(other, proxied('ahead', '/env'));
    expect(env.body).toMatchObject({ GREETING: 'hi $(HOME) there', SESSION_ID: 'ahead' });

    const before = Object.values((await fleet.podOf('ahead')).metadata.annotations);
    const changed = await other.put('ahead', { ...asked, idleTimeoutSeconds: 1234, maxLifetimeSeconds: 4321 });
    expect(changed).toMatchObject({ status: 200, body: { expiresAt: expect.any(String) } });
    await eventually(async () => {
      const added = Object.values((await fleet.podOf('ahead')).metadata.annotations).filter(
        (value) => !before.includes(value),
      );
      expect(added.sort()).toEqual(['1234000', '4321000']);
    });
    const { body } = await one.status('ahead');
    expect(Date.parse(body.dueAt as string) - Date.parse(body.lastActivityAt as string)).toBe(1_234_000);
    expectProblem(await one.put('ahead', { ...asked, env: { GREETING: 'bye' } }), 409, 'SESSION_CONFLICT');
    expectProblem(await one.put('ahead', { template: 'default' }), 409, 'SESSION_CONFLICT');
    expectProblem(await one.put('other-env', { template: 'demo', env: { PATH: '/' } }), 400, 'INVALID_REQUEST');
  });

  it('belongs to whoever opened it, on every replica', async () => {
    await one.execute('alices', { secret: 1 });
    const as = 'bob';
    const path = '/api/v1/session/alices';
    for (const berth of [other, one]) {
      for (const [method, rest] of [
        ['GET', '/status'],
        ['POST', '/keepalive'],
        ['GET', '/logs'],
        ['GET', '/events'],
        ['GET', '/proxy/state'],
        ['DELETE', ''],
      ] as const) {
        expectProblem(await berth.call(method, `${path}${rest}`, { as }), 404, 'SESSION_NOT_FOUND');
      }
      expectProblem(await berth.execute('alices', 1, { as }), 404, 'SESSION_NOT_FOUND');
      expectProblem(await berth.put('alices', {}, { as }), 404, 'SESSION_NOT_FOUND');
      const listed = await get(berth, '/api/v1/sessions', { as });
      expect(listed.text).not.toContain('alices');
    }
    expect(executed(await other.execute('alices', 2))).toMatchObject({ executions: 2 });
  });

  it('is listed on every replica, in the shape of its status', async () => {
    const as = 'lister';
    await Promise.all([one.execute('l1', 1, { as }), other.execute('l2', 1, { as }), one.put('l3', {}, { as })]);
    for (const berth of [one, other]) {
      const listed = (await get(berth, '/api/v1/sessions', { as })).body.sessions as { id: string }[];
      expect(listed.map(({ id }) => id).sort()).toEqual(['l1', 'l2', 'l3']);
      expect(listed.find(({ id }) => id === 'l1')).toMatchObject({ state: 'ready', owner: 'lister', generation: 1 });
    }
  });

  it('runs nothing for a generation that is not there', async () => {
    const headers = (generation: number): CallOptions => ({
      headers: { 'if-session-generation': String(generation) },
    });
    expectProblem(await one.execute('pinned', 1, headers(1)), 412, 'GENERATION_MISMATCH');
    expectProblem(await one.status('pinned'), 404, 'SESSION_NOT_FOUND');
    await one.execute('pinned', 1);
    expectProblem(await other.execute('pinned', 2, headers(2)), 412, 'GENERATION_MISMATCH');
    expect(executed(await other.execute('pinned', 2, headers(1)))).toMatchObject({ executions: 2 });
  });

  it('ends when told to: its pod goes, and the next opening starts anew in a pod of the next generation', async () => {
    await one.execute('brief', { kept: true });
    const { name } = (await fleet.podOf('brief')).metadata;
    expect(await other.end('brief')).toMatchObject({ status: 204, text: '' });
    expect(await one.end('brief')).toMatchObject({ status: 204 });
    expectProblem(await one.end('never-was'), 404, 'SESSION_NOT_FOUND');
    await eventually(async () => {
      expect((await fleet.pods()).map(({ metadata }) => metadata.name)).not.toContain(name);
    }, 15_000);
    expectProblem(await one.execute('brief', 1, { as: 'bob' }), 404, 'SESSION_NOT_FOUND');
    const anew = await one.execute('brief', 1);
    expect(executed(anew)).toMatchObject({ executions: 1, previous: null });
    expect(anew.headers).toMatchObject({ 'x-session-generation': '2', 'x-session-start': 'cold' });
  });

  it('needs no right that the chart does not give', () => {
    const refused = fleet.own.controlPlane
      .auditEvents(fleet.own.name)
      .filter(({ responseStatus }) => responseStatus?.code === 403);
    expect(refused).toEqual([]);
    for (const replica of fleet.replicas) expect(replica.output()).not.toMatch(/forbidden/i);
  });
});
