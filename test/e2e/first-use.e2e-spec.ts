import { executed } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';

describe('the first use of a session', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth();
  });

  it('starts a pod, runs the call there, and shows a second call what the first one left', async () => {
    const first = await berth.execute('greeting', { name: 'Ada' });
    expect(executed(first)).toMatchObject({ sessionId: 'greeting', executions: 1, previous: null });
    expect(first.headers).toMatchObject({
      'x-session-id': 'greeting',
      'x-session-generation': '1',
      'x-session-restarts': '0',
      'x-session-start': 'cold',
      'server-timing': expect.any(String),
      'x-request-id': expect.any(String),
    });

    const second = await berth.execute('greeting', { count: 2 });
    expect(executed(second)).toMatchObject({
      executions: 2,
      previous: { name: 'Ada' },
      data: { name: 'Ada', count: 2 },
      pid: executed(first).pid,
    });
    expect(second.headers).toMatchObject({ 'x-session-start': 'none', 'x-session-generation': '1' });
  });

  it('gives each id a pod of its own', async () => {
    const [one, other] = [await berth.execute('one', 1), await berth.execute('other', 2)];
    expect(executed(one).pid).not.toBe(executed(other).pid);
    expect(executed(other)).toMatchObject({ previous: null, executions: 1 });
  });

  it('shows in the logs what the calls did, in order', async () => {
    for (const call of [1, 2, 3]) await berth.execute('chatty', call);
    await eventually(async () => {
      const logs = await berth.call('GET', '/api/v1/session/chatty/logs', { as: 'alice' });
      expect(logs.status).toBe(200);
      expect(logs.text.match(/execute \d/g)).toEqual(['execute 1', 'execute 2', 'execute 3']);
    });
  });

  it('follows the logs as they are written', async () => {
    await berth.execute('followed', 1);
    const logs = await berth.open('GET', '/api/v1/session/followed/logs?follow=1', { as: 'alice' });
    expect(logs.statusCode).toBe(200);
    let text = '';
    logs.body.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    logs.body.on('error', () => undefined);
    await eventually(() => expect(text).toContain('execute 1'));
    await berth.execute('followed', 2);
    await eventually(() => expect(text).toContain('execute 2'));
    logs.body.destroy();
  });
});
