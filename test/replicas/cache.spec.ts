import { setTimeout as pause } from 'node:timers/promises';

import { SCRIPTS } from '../../src/lifecycle/store/redis/scripts/session-scripts.js';
import { expectProblem } from '../support/answers.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { Load, type LoadAnswer } from '../support/load.js';
import { monitorRedis } from '../support/redis-monitor.js';
import { eventOf, serverEvents } from '../support/streams.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const START_MS = 60_000;
/** A notification takes a moment; more than this is a busy machine's. */
const TOLD_MS = 1_000;
/** Of a connection that fell silent: asked every 2 s, hung up on after 2 s more, and then all is read anew. */
const CORRECTED_MS = 15_000;

const NAME_OF = new Map(Object.entries(SCRIPTS).map(([name, { sha }]) => [sha, name]));

describeWithControlPlane('what a replica knows of sessions without asking', () => {
  let fleet: Fleet;
  let way: TcpProxy;
  /** Leads, and changes what the other serves. */
  let leader: BerthProcess;
  /** Serves from what it knows. */
  let other: BerthProcess;

  beforeAll(async () => {
    // What is put right here is not put right by the leader's next round, which is a long way off.
    fleet = await Fleet.start({ settings: { CLEANUP_INTERVAL_SECONDS: '3600' } });
    leader = await fleet.untilLed();
    way = await TcpProxy.to(`http://127.0.0.1:${fleet.redis.port}`);
    other = await fleet.add({ REDIS_PORT: way.port });
  }, START_MS);
  afterAll(async () => {
    way?.close();
    await fleet?.stop();
  });

  const use = (id: string, perSecond = 20): Load =>
    new Load({ targets: () => [other], sessions: [id], perSecond }).start();

  it('is enough for a session in use: its requests ask Redis nothing', async () => {
    await other.execute('used', 0);
    const asked: string[] = [];
    const monitor = await monitorRedis(fleet.redis.port, ({ source, command, argument }) => {
      if (source !== 'lua' && command.toUpperCase() === 'EVALSHA') asked.push(NAME_OF.get(argument) ?? argument);
    });
    const load = use('used', 50);
    await pause(9_000); // two heartbeats and a part of a third
    const answers = await load.stop();
    monitor.stop();
    expectServed(answers, ['1']);
    expect(answers.length).toBeGreaterThan(300);
    const touches = asked.filter((name) => name === 'touch').length;
    expect(touches).toBeGreaterThan(0);
    expect(touches).toBeLessThanOrEqual(3);
    // The replicas ask for news and for what is due all by themselves.
    const byItself = ['touch', 'position', 'beginImport', 'due', 'tally'];
    expect(asked.filter((name) => !byItself.includes(name))).toEqual([]);
  }, 60_000);

  it('is put right when a session is ended elsewhere, and no request fails for it', async () => {
    await other.execute('ended', 0);
    const load = use('ended');
    await pause(1_000);
    expect(await leader.end('ended')).toMatchObject({ status: 204 });
    const endedAtMs = Date.now();
    await eventually(() => expect(load.soFar.at(-1)).toMatchObject({ generation: '2' }), START_MS);
    await pause(TOLD_MS);
    const answers = await load.stop();
    expectServed(answers, ['1', '2']);
    const later = answers.filter(({ sentAtMs }) => sentAtMs > endedAtMs + TOLD_MS);
    expect(new Set(later.map(({ generation }) => generation))).toEqual(new Set(['2']));
  }, 60_000);

  it('follows a session that was healed elsewhere', async () => {
    await other.execute('healed', 0);
    const load = use('healed');
    await pause(500);
    const { name } = (await fleet.podOf('healed')).metadata;
    const diesAtMs = Date.now();
    await fleet.api.call(`/api/v1/namespaces/${fleet.own.name}/pods/${name}`, { method: 'DELETE' });
    await eventually(() => expect(load.soFar.at(-1)).toMatchObject({ generation: '2' }), START_MS);
    await pause(TOLD_MS);
    const answers = await load.stop();
    // What is on its way to a pod that dies is lost with it, and is not sent twice.
    const isLost = ({ sentAtMs, text }: LoadAnswer): boolean =>
      text.includes('POD_LOST') && sentAtMs < diesAtMs + TOLD_MS;
    expect(answers.filter(isLost).length).toBeLessThan(3);
    expectServed(
      answers.filter((answer) => !isLost(answer)),
      ['1', '2'],
    );
    expect((await leader.status('healed')).body).toMatchObject({ state: 'ready', generation: 2 });
  }, 60_000);

  it('is put right within seconds when the connection that tells of changes falls silent', async () => {
    await other.execute('told', 0);
    const { body } = await other.open('GET', '/api/v1/session/told/events', { as: 'alice' });
    const events = serverEvents(body.on('error', () => undefined));
    await eventOf(events, 'ready');
    const load = new Load({ targets: () => [other], sessions: ['apart'], perSecond: 10 }).start();
    const port = await listeningPort();
    way.set('freeze', port);
    const silentSinceMs = Date.now();
    expect(await leader.end('told')).toMatchObject({ status: 204 });

    await eventOf(events, 'ended');
    expect(Date.now() - silentSinceMs).toBeLessThan(CORRECTED_MS);
    await eventually(async () => expect(await listeningPort()).not.toBe(port), CORRECTED_MS);
    expectServed(await load.stop(), ['1']);
    expect(await other.execute('told', 0)).toMatchObject({ headers: { 'x-session-generation': '2' } });
    expectProblem(await other.execute('told', 0, { as: 'bob' }), 404, 'SESSION_NOT_FOUND');
  }, 60_000);

  /** The port by which Redis knows the connection on which the other replica hears of changes. */
  async function listeningPort(): Promise<number> {
    const clients = (await fleet.redis.admin.call('CLIENT', 'LIST', 'TYPE', 'pubsub')) as string;
    const ports = [...clients.matchAll(/ addr=127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
    const own = ports.filter((port) => way.knows(port));
    if (own.length === 0) throw new Error('the other replica does not listen');
    return own.at(-1)!;
  }
});

/** Nobody was turned away, and nobody met an older pod after a newer one. */
function expectServed(answers: readonly LoadAnswer[], generations: readonly string[]): void {
  const failed = answers.filter(({ status }) => status !== 200);
  expect(failed.map(({ status, text }) => ({ status, text }))).toEqual([]);
  const inOrder = [...answers].sort((one, another) => one.sentAtMs - another.sentAtMs);
  const met = inOrder.map(({ generation }) => generation);
  expect(met.filter((generation, at) => generation !== met[at - 1])).toEqual(generations);
}
