import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { executed, expectProblem, proxied } from '../support/answers.js';
import type { Answer } from '../support/berth-client.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { eventOf, serverEvents } from '../support/streams.js';
import { temporaryPath, writeTemplates } from '../support/templates-file.js';

describe('a pod that dies', () => {
  let berth: BerthProcess;
  let crashing: Promise<Crash>;
  beforeAll(async () => {
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates() });
    crashing = keepsCrashing(berth);
    crashing.catch(() => undefined); // reported by the tests that await it
  });

  /** Kills the session's pod and waits until the number of its restarts has been seen to grow. */
  async function killPod(id: string, expected: object, limitMs?: number): Promise<void> {
    const { pid } = executed(await berth.call('GET', proxied(id, '/state'), { as: 'alice' }));
    process.kill(pid, 'SIGKILL');
    await eventually(async () => expect((await berth.status(id)).body).toMatchObject(expected), limitMs);
  }

  it('comes back within a second without any request, with its state, in the same generation', async () => {
    const before = executed(await berth.execute('killed', { kept: true }));
    await killPod('killed', { state: 'ready', generation: 1, restarts: 1 }, 1_000);
    const after = await berth.execute('killed', { more: 1 });
    expect(executed(after)).toMatchObject({ executions: 2, previous: { kept: true } });
    expect(executed(after).pid).not.toBe(before.pid);
    expect(after.headers).toMatchObject({ 'x-session-generation': '1', 'x-session-restarts': '1' });
  });

  it('is waited for by requests that come meanwhile', async () => {
    const { pid } = executed(await berth.execute('awaited', { kept: true }));
    process.kill(pid, 'SIGKILL');
    // Until Berth has buried it: a request sent to one that is dying is lost with it, as any request to a pod may be.
    await eventually(() => expect(existsSync(`/proc/${pid}`)).toBe(false));
    const answers = await Promise.all([1, 2, 3].map((call) => berth.execute('awaited', { [`call${call}`]: call })));
    expect(
      answers
        .map(executed)
        .map(({ executions }) => executions)
        .sort(),
    ).toEqual([2, 3, 4]);
  });

  it('is reported as restarted', async () => {
    await berth.execute('watched', 1);
    const events = await berth.open('GET', '/api/v1/session/watched/events', { as: 'alice' });
    const restarted = eventOf(serverEvents(events.body), 'restarted');
    await killPod('watched', { state: 'ready', restarts: 1 });
    expect(JSON.parse((await restarted).data)).toMatchObject({ id: 'watched', generation: 1, restarts: 1 });
    events.body.on('error', () => undefined).destroy();
  });

  it('again and again is replaced by a pod of the next generation', async () => {
    await berth.execute('unlucky', { lost: true });
    await killPod('unlucky', { state: 'ready', restarts: 1 });
    await killPod('unlucky', { state: 'ready', restarts: 2 }, 10_000);
    await killPod('unlucky', { state: 'ready', generation: 2, restarts: 0 }, 10_000);
    const status = await berth.status('unlucky');
    expect(status.body.lastFailure).toMatchObject({
      reason: expect.stringMatching(/CrashLoop/),
      message: expect.any(String),
      at: expect.any(String),
    });
    const warned = await berth.execute('unlucky', 1, { headers: { 'if-session-generation': '1' } });
    expectProblem(warned, 412, 'GENERATION_MISMATCH');
    const after = await berth.execute('unlucky', 1);
    expect(executed(after)).toMatchObject({ executions: 1, previous: null });
    expect(after.headers['x-session-generation']).toBe('2');
  }, 30_000);

  it('with its folder is replaced, as its state is gone for good', async () => {
    await berth.put('folderless', { template: 'demo' });
    const env = await berth.call('GET', proxied('folderless', '/env'), { as: 'alice' });
    rmSync(dirname(env.body.STATE_FILE_PATH as string), { recursive: true });
    await eventually(async () => {
      expect((await berth.status('folderless')).body).toMatchObject({ state: 'ready', generation: 2 });
    }, 10_000);
  });

  it('at every start ends as failed, with its last output as the reason', async () => {
    const { failed, held, later } = await crashing;
    expect(failed.body).toMatchObject({
      state: 'failed',
      lastFailure: { reason: expect.stringMatching(/CrashLoop/), message: expect.stringMatching(/flux capacitor/) },
    });
    for (const refused of [held, later]) {
      expectProblem(refused, 503, 'SESSION_START_FAILED');
      expect(refused.body.reason).toMatch(/CrashLoop/);
      expect(refused.body.detail).toMatch(/flux capacitor/);
    }
  }, 60_000);

  it('at every start is tried again by a later request, once the back-off is over', async () => {
    const { recovered } = await crashing;
    expect(recovered.status).toBe(200);
  }, 60_000);
});

interface Crash {
  held: Answer;
  failed: Answer;
  later: Answer;
  recovered: Answer;
}

/** Takes its time (back-offs), so it runs beside the other tests. */
async function keepsCrashing(berth: BerthProcess): Promise<Crash> {
  const fault = temporaryPath('fault');
  writeFileSync(fault, '');
  await berth.put('doomed', { template: 'demo', env: { CRASH_WHILE_EXISTS: fault } });
  const seen = (): Promise<Answer> => berth.call('GET', proxied('doomed', '/seen'), { as: 'alice' });
  const held = await seen();
  const failed = await berth.status('doomed');
  const later = await seen();
  rmSync(fault);
  const recovered = await untilServed(seen);
  return { held, failed, later, recovered };
}

/** As a client would: asks again when the answer says so. */
async function untilServed(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    if (answer.status === 200) return answer;
    await pause(Number(answer.headers['retry-after']) * 1_000);
  }
}
