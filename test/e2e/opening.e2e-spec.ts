import { writeFileSync } from 'node:fs';

import { executed, expectProblem, proxied } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { isAlive } from '../support/processes.js';
import { temporaryPath, writeTemplates } from '../support/templates-file.js';

describe('opening and ending a session', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates() });
  });

  describe('PUT', () => {
    it('answers 201 without waiting for the pod, and 200 for the same again', async () => {
      const asked = { template: 'demo', env: { START_WHEN_EXISTS: temporaryPath('never') } };
      const first = await berth.put('ahead', asked);
      expect(first).toMatchObject({ status: 201, body: { id: 'ahead', state: 'creating', generation: 1 } });
      expect(await berth.put('ahead', asked)).toMatchObject({ status: 200, body: { id: 'ahead', state: 'creating' } });
      expect(await berth.put('ahead')).toMatchObject({ status: 200 });
    });

    it('gives the pod the environment that was asked for', async () => {
      await berth.put('greeted', { template: 'demo', env: { GREETING: 'hello: "you" $PATH' } });
      const { body } = await berth.call('GET', proxied('greeted', '/env'), { as: 'alice' });
      expect(body).toMatchObject({ GREETING: 'hello: "you" $PATH', SESSION_ID: 'greeted' });
    });

    it('answers 409 when a session is of another template or environment', async () => {
      await berth.put('fixed', { template: 'demo', env: { GREETING: 'a' } });
      expectProblem(await berth.put('fixed', { template: 'default' }), 409, 'SESSION_CONFLICT');
      expectProblem(await berth.put('fixed', { env: { GREETING: 'b' } }), 409, 'SESSION_CONFLICT');
      expect((await berth.status('fixed')).body).toMatchObject({ template: 'demo', generation: 1 });
    });

    it('changes time-outs of a running session', async () => {
      const { body: before } = await berth.put('patient', { idleTimeoutSeconds: 100 });
      expect(before).not.toHaveProperty('expiresAt');
      const changed = await berth.put('patient', { idleTimeoutSeconds: 5000, maxLifetimeSeconds: 1000 });
      expect(changed.status).toBe(200);
      const { body: after } = await berth.status('patient');
      const createdAtMs = Date.parse(after.createdAt as string);
      expect(Date.parse(after.expiresAt as string)).toBe(createdAtMs + 1_000_000);
    });

    it.each([
      ['an unknown template', { template: 'nowhere' }],
      ['an environment name that the template does not allow', { template: 'demo', env: { LD_PRELOAD: '/x.so' } }],
      ['a name that Berth itself sets', { template: 'demo', env: { PORT: '1' } }],
      ['any environment where the template allows none', { env: { GREETING: 'hi' } }],
      ['an environment value that is no string', { template: 'demo', env: { GREETING: 7 } }],
      ['an idle timeout of nothing', { idleTimeoutSeconds: 0 }],
      ['an idle timeout that is no number', { idleTimeoutSeconds: 'long' }],
      ['a negative lifetime', { maxLifetimeSeconds: -1 }],
      ['an unknown field', { idleTimeout: 5 }],
      ['no object', [1]],
    ])('answers 400 to %s, and opens nothing', async (_what, asked) => {
      expectProblem(await berth.put('refused', asked), 400, 'INVALID_REQUEST');
      expectProblem(await berth.status('refused'), 404, 'SESSION_NOT_FOUND');
    });
  });

  describe('DELETE', () => {
    it('ends the session and its process: 204, and 204 again', async () => {
      const { pid } = executed(await berth.execute('over', { old: true }));
      const pod = berth.pods().find((one) => one.pid === pid)!;
      expect(await berth.end('over')).toMatchObject({ status: 204, text: '' });
      expect(await berth.end('over')).toMatchObject({ status: 204 });
      await eventually(() => expect(isAlive(pod)).toBe(false));
      expect(await berth.end('over')).toMatchObject({ status: 204 });
      expectProblem(await berth.status('over'), 404, 'SESSION_NOT_FOUND');
      expectProblem(
        await berth.call('POST', '/api/v1/session/over/keepalive', { as: 'alice' }),
        404,
        'SESSION_NOT_FOUND',
      );
    });

    it('is followed by a new generation when the session is used again at once', async () => {
      await berth.execute('again', { old: true });
      await berth.end('again');
      const anew = await berth.execute('again', { new: true });
      expect(executed(anew)).toMatchObject({ executions: 1, previous: null });
      expect(anew.headers['x-session-generation']).toBe('2');
    });

    it('answers 404 for an id that never was', async () => {
      expectProblem(await berth.end('never'), 404, 'SESSION_NOT_FOUND');
    });

    it('answers 409 to requests that are held for the session', async () => {
      const gate = temporaryPath('gate');
      await berth.put('held', { template: 'demo', env: { START_WHEN_EXISTS: gate } });
      const held = [1, 2].map(() => berth.call('GET', proxied('held', '/seen'), { as: 'alice' }));
      await eventually(async () => expect((await berth.status('held')).body.inFlight).toBe(2));
      expect(await berth.end('held')).toMatchObject({ status: 204 });
      for (const answer of await Promise.all(held)) expectProblem(answer, 409, 'SESSION_TERMINATING');
      writeFileSync(gate, '');
    });
  });

  describe('keepalive', () => {
    const keepalive = (id: string) => berth.call('POST', `/api/v1/session/${id}/keepalive`, { as: 'alice' });

    it('counts as use, and never shortens anything', async () => {
      await berth.execute('kept', 1);
      const { body: before } = await berth.status('kept');
      const answer = await keepalive('kept');
      expect(answer.status).toBeLessThan(300);
      const { body: after } = await berth.status('kept');
      const laterBy = (name: string): number => Date.parse(after[name] as string) - Date.parse(before[name] as string);
      expect(laterBy('lastActivityAt')).toBeGreaterThan(0);
      expect(laterBy('dueAt')).toBeGreaterThan(0);
    });

    it('opens nothing', async () => {
      expectProblem(await keepalive('unopened'), 404, 'SESSION_NOT_FOUND');
      expectProblem(await berth.status('unopened'), 404, 'SESSION_NOT_FOUND');
    });
  });
});
