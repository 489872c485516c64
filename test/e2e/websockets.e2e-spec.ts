import { expectProblem, proxied } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { closeOf, nextMessage } from '../support/streams.js';
import { writeTemplates } from '../support/templates-file.js';

describe('proxying WebSockets to a pod', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates() });
    await berth.put('ws', { template: 'demo' });
  });
  const open = (path: string, options = {}) => berth.socket(proxied('ws', path), { as: 'alice', ...options });
  const sockets = async (): Promise<unknown> =>
    (await berth.call('GET', proxied('ws', '/seen'), { as: 'alice' })).body.sockets;

  it('carries text and bytes both ways', async () => {
    const socket = await open('/ws');
    for (const message of ['text', Buffer.from([0, 1, 255]), 'ä€', Buffer.alloc(1_000_000, 'x')]) {
      const answer = nextMessage(socket);
      socket.send(message);
      expect(await answer).toEqual(message);
    }
    socket.close();
  });

  it('works as the very first request of a session', async () => {
    await berth.put('first', { template: 'demo' });
    const socket = await berth.socket(proxied('first', '/ws/clock'), { as: 'alice' });
    expect(await nextMessage(socket)).toBe('{"tick":1}');
    socket.close();
  });

  it('passes on path, query and subprotocols', async () => {
    const socket = await open('/ws/headers?room=%2F1', { protocols: ['v2', 'v1'] });
    expect(socket.protocol).toBe('v2');
    expect(JSON.parse((await nextMessage(socket)) as string)).toMatchObject({ url: '/ws/headers?room=%2F1' });
    socket.close();
  });

  it('goes by header, too', async () => {
    const socket = await berth.socket('/ws', { as: 'alice', headers: { 'x-session-id': 'ws' } });
    const answer = nextMessage(socket);
    socket.send('hello');
    expect(await answer).toBe('hello');
    socket.close();
  });

  it('passes on how the pod closed', async () => {
    const socket = await open('/ws');
    const closed = closeOf(socket);
    socket.send('close:4001');
    expect(await closed).toEqual({ code: 4001, reason: 'as told' });
  });

  it('lets the pod know when the client has gone, with and without a goodbye', async () => {
    await eventually(async () => expect(await sockets()).toBe(0));
    const [polite, rude] = [await open('/ws/clock'), await open('/ws/clock')];
    expect(await sockets()).toBe(2);
    polite.close();
    rude.terminate();
    await eventually(async () => expect(await sockets()).toBe(0));
  });

  it('ends when the pod dies', async () => {
    await berth.put('mortal', { template: 'demo' });
    const socket = await berth.socket(proxied('mortal', '/ws/clock'), { as: 'alice' });
    const closed = closeOf(socket);
    expectProblem(await berth.call('POST', proxied('mortal', '/crash'), { as: 'alice' }), 502, 'POD_LOST');
    expect((await closed).code).not.toBe(1000);
  });

  it('ends when the session is ended', async () => {
    await berth.put('brief', { template: 'demo' });
    const socket = await berth.socket(proxied('brief', '/ws/clock'), { as: 'alice' });
    const closed = closeOf(socket);
    await berth.end('brief');
    await closed;
  });

  it('answers with the status of the pod when it refuses the upgrade', async () => {
    await expect(berth.socket('/api/v1/session/plain/proxy/state', { as: 'alice' })).rejects.toThrow(/4\d\d|200/);
  });
});
