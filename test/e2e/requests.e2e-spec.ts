import { writeFileSync } from 'node:fs';

import { executed, expectProblem, proxied } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { temporaryPath, writeTemplates } from '../support/templates-file.js';

describe('requests', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates(), CORS_ORIGINS: 'https://app.example' });
  });

  describe('with Prefer', () => {
    it('respond-async do not wait for a pod: 202, and nothing is executed', async () => {
      const asked = await berth.execute('async', { lost: true }, { headers: { prefer: 'respond-async' } });
      expect(asked).toMatchObject({
        status: 202,
        headers: {
          location: expect.stringContaining('/api/v1/session/async/status'),
          'retry-after': expect.anything(),
        },
      });
      const later = await berth.execute('async', 1);
      expect(executed(later)).toMatchObject({ executions: 1, previous: null });
    });

    it('respond-async are executed when the session is ready', async () => {
      await berth.execute('ready', 1);
      const answer = await berth.execute('ready', 2, { headers: { prefer: 'respond-async' } });
      expect(executed(answer)).toMatchObject({ executions: 2, previous: 1 });
    });

    it('wait=N wait so long and no longer', async () => {
      const gate = temporaryPath('gate');
      await berth.put('gated', { template: 'demo', env: { START_WHEN_EXISTS: gate } });
      const ask = (wait: number) => berth.execute('gated', 1, { headers: { prefer: `wait=${wait}` } });
      const fromMs = performance.now();
      expect(await ask(1)).toMatchObject({ status: 202 });
      expect(performance.now() - fromMs).toBeGreaterThanOrEqual(1_000);
      const patient = ask(10);
      writeFileSync(gate, '');
      expect(await patient).toMatchObject({ status: 404, text: 'the demo pod has no /execute' });
    });
  });

  describe('with If-Session-Generation', () => {
    const expecting = (generation: string) => ({ headers: { 'if-session-generation': generation } });

    it('are refused when there is no session, and open none', async () => {
      expectProblem(await berth.execute('absent', 1, expecting('1')), 412, 'GENERATION_MISMATCH');
      expectProblem(await berth.status('absent'), 404, 'SESSION_NOT_FOUND');
    });

    it('run in that generation, and are refused, not run, in another', async () => {
      await berth.execute('versioned', 1);
      expect(await berth.execute('versioned', 2, expecting('1'))).toMatchObject({ status: 200 });
      expectProblem(await berth.execute('versioned', 3, expecting('2')), 412, 'GENERATION_MISMATCH');
      expect(executed(await berth.execute('versioned', 4))).toMatchObject({ executions: 3, previous: 2 });
    });

    it('are refused after an end', async () => {
      await berth.execute('lost', 1);
      await berth.end('lost');
      expectProblem(await berth.execute('lost', 2, expecting('1')), 412, 'GENERATION_MISMATCH');
    });

    it('are refused through the proxy, too', async () => {
      await berth.execute('through', 1);
      const answer = await berth.call('GET', proxied('through', '/state'), { as: 'alice', ...expecting('9') });
      expectProblem(answer, 412, 'GENERATION_MISMATCH');
    });

    it.each(['one', '-1', '1.5', '1, 2'])('of %j are not understood', async (generation) => {
      expectProblem(await berth.execute('versioned', 1, expecting(generation)), 400, 'INVALID_REQUEST');
    });
  });

  describe('to what is not there', () => {
    it.each(['/nowhere', '/', '/api', '/api/v1', '/api/v1/session', '/api/v1/session/x/nonsense', '/api/v2/sessions'])(
      'get 404: %s',
      async (path) => {
        expectProblem(await berth.call('GET', path, { as: 'alice' }), 404, 'ROUTE_NOT_FOUND');
      },
    );

    const methods: [string, string, string[]][] = [
      ['GET', '/api/v1/session/x/execute', ['POST']],
      ['POST', '/api/v1/session/x/status', ['GET']],
      ['PATCH', '/api/v1/session/x', ['PUT', 'DELETE']],
      ['GET', '/api/v1/session/x/keepalive', ['POST']],
      ['DELETE', '/api/v1/session/x/logs', ['GET']],
      ['PUT', '/api/v1/session/x/events', ['GET']],
      ['POST', '/api/v1/sessions', ['GET']],
    ];
    it.each(methods)('get 405 and the methods there are: %s %s', async (method, path, allowed) => {
      const answer = await berth.call(method, path, { as: 'alice' });
      expectProblem(answer, 405, 'METHOD_NOT_ALLOWED');
      expect(String(answer.headers.allow).split(/, */)).toEqual(expect.arrayContaining(allowed));
    });
  });

  it('get ids of their own', async () => {
    const ids = await Promise.all([1, 2, 3].map(async () => (await berth.status('none')).headers['x-request-id']));
    expect(new Set(ids).size).toBe(3);
  });

  it('of browsers are allowed from the origins that the settings name, and no other', async () => {
    const preflight = (origin: string) =>
      berth.call('OPTIONS', '/api/v1/session/x/execute', {
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      });
    const ours = await preflight('https://app.example');
    expect(ours.status).toBeLessThan(300);
    expect(ours.headers['access-control-allow-origin']).toBe('https://app.example');
    expect(ours.headers['access-control-allow-headers']).toMatch(/authorization/i);
    expect((await preflight('https://evil.example')).headers['access-control-allow-origin']).toBeUndefined();
    const real = await berth.status('none', { headers: { origin: 'https://app.example' } });
    expect(real.headers['access-control-allow-origin']).toBe('https://app.example');
    expect(real.headers['access-control-expose-headers']).toMatch(/x-session-generation/i);
  });

  it('for the documentation are answered', async () => {
    const page = await berth.call('GET', '/docs');
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': expect.stringContaining('text/html') } });
  });
});
