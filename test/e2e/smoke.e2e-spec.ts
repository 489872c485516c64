import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { TOKEN_SECRET } from '../support/berth-client.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { temporaryPath, writeTemplates } from '../support/templates-file.js';

const SCRIPTS = join(__dirname, '../../scripts');
const STEPS = [
  'health',
  'token refused without',
  'create',
  'execute',
  'state kept',
  'proxy',
  'status',
  'delete',
  'gone',
];
const NOBODY = 'http://127.0.0.1:9';
const NAMED = { AUTH_ISSUER: 'https://issuer.example', AUTH_AUDIENCE: 'berth' };

interface Outcome {
  code: number;
  /** Names of the steps that went well, with how long each took. */
  steps: string[];
  lastLine: string;
  stderr: string;
}

function smoke(url: string, settings: Record<string, string> = { AUTH_TOKEN_SECRET: TOKEN_SECRET }): Promise<Outcome> {
  const env = { PATH: process.env.PATH, SMOKE_WAIT_SECONDS: '0', ...settings };
  return new Promise((resolve) => {
    execFile(join(SCRIPTS, 'smoke'), url ? [url] : [], { env }, (error, stdout, stderr) => {
      const lines = stdout.trim().split('\n');
      const steps = lines.flatMap((line) => /^(.*?) +ok +\d+ ms$/.exec(line)?.[1] ?? []);
      resolve({ code: error ? Number(error.code ?? -1) : 0, steps, lastLine: lines.at(-1)!, stderr });
    });
  });
}

/** A session application that answers as the bundled one does, and remembers nothing. */
function forgetfulPod(): string {
  const path = temporaryPath('forgetful.mjs');
  writeFileSync(
    path,
    `import { createServer } from 'node:http';
     createServer((request, response) => {
       response.setHeader('content-type', 'application/json').end('{"executions":1,"previous":null}');
     }).listen(process.env.PORT, process.env.HOST);`,
  );
  return writeTemplates({ default: { command: [process.execPath, path], healthPath: '/' } });
}

describe('the smoke test', () => {
  let berth: BerthProcess;
  let brokenBerth: BerthProcess;
  let forgetfulBerth: BerthProcess;
  beforeAll(async () => {
    [berth, brokenBerth, forgetfulBerth] = await Promise.all([
      startBerth(),
      startBerth({ SESSION_POD_COMMAND: 'ls /nowhere', POD_CREATION_TIMEOUT: '5' }),
      startBerth({ TEMPLATES_PATH: forgetfulPod() }),
    ]);
  }, 60_000);

  it('of a Berth that is well says how long each step took and ends with 0', async () => {
    const { code, steps, lastLine, stderr } = await smoke(`${berth.url}/`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(steps).toEqual(STEPS);
    expect(lastLine).toBe(`Berth at ${berth.url} serves sessions.`);
    const { body } = await berth.call('GET', '/api/v1/sessions', { as: 'smoke-test' });
    expect(body.sessions).toEqual([]);
  });

  it('of an address where nobody answers fails at the first step', async () => {
    const { code, steps, stderr } = await smoke(NOBODY);
    expect({ code, steps }).toEqual({ code: 1, steps: [] });
    expect(stderr).toMatch(/FAILED at step "health": .*(ECONNREFUSED|bad port)/);
  });

  it('with a token that is not valid fails at the step that needs one first', async () => {
    const { code, stderr } = await smoke(berth.url, { BERTH_TOKEN: 'not.a.token' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/FAILED at step "create": PUT .* answered 401/);
    expect(stderr).not.toContain('not.a.token');
  });

  it('of a Berth whose pods do not start fails at the step that needs one, with what the pod said', async () => {
    const { code, steps, stderr } = await smoke(brokenBerth.url);
    expect(code).toBe(1);
    expect(steps).toContain('create');
    expect(stderr).toMatch(/FAILED at step "execute": .*\/nowhere/);
  });

  it('of sessions that lose their state fails there, and leaves no session behind', async () => {
    const { code, steps, stderr } = await smoke(forgetfulBerth.url);
    expect(code).toBe(1);
    expect(steps).toEqual(STEPS.slice(0, STEPS.indexOf('state kept')));
    expect(stderr).toContain('FAILED at step "state kept"');
    const { body } = await forgetfulBerth.call('GET', '/api/v1/sessions', { as: 'smoke-test' });
    expect(body.sessions).toEqual([]);
  });

  it('of another application than the bundled one asks of it only that it answers', async () => {
    const settings = { AUTH_TOKEN_SECRET: TOKEN_SECRET, SMOKE_BUNDLED: 'false' };
    const { code, steps, stderr } = await smoke(forgetfulBerth.url, settings);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(steps).toEqual(STEPS.filter((name) => name !== 'execute' && name !== 'state kept'));
  });

  it('of another application that does not start fails where Berth answers in its place', async () => {
    const { code, stderr } = await smoke(brokenBerth.url, { AUTH_TOKEN_SECRET: TOKEN_SECRET, SMOKE_BUNDLED: 'false' });
    expect(code).toBe(1);
    expect(stderr).toContain('FAILED at step "proxy"');
  });

  it('signs for the issuer and the audience that Berth asks for, and so does the script that makes tokens', async () => {
    const named = await startBerth(NAMED);
    expect(await smoke(named.url)).toMatchObject({ code: 1, stderr: expect.stringContaining('answered 401') });
    expect(await smoke(named.url, { AUTH_TOKEN_SECRET: TOKEN_SECRET, ...NAMED })).toMatchObject({ code: 0 });

    const env = { PATH: process.env.PATH, AUTH_TOKEN_SECRET: TOKEN_SECRET, ...NAMED };
    const made = await promisify(execFile)(process.execPath, [join(SCRIPTS, 'token.mjs'), 'me'], { env });
    expect(await smoke(named.url, { BERTH_TOKEN: made.stdout.trim() })).toMatchObject({ code: 0 });
  });

  it.each([
    ['no address', '', { BERTH_TOKEN: 'x' }],
    ['an address without its scheme', '127.0.0.1:9', { BERTH_TOKEN: 'x' }],
    ['neither token nor key', NOBODY, {}],
    ['a time that is none', NOBODY, { BERTH_TOKEN: 'x', SMOKE_WAIT_SECONDS: 'long' }],
  ])('with %s says how it is used and ends with 2', async (_, url, settings: Record<string, string>) => {
    const { code, stderr } = await smoke(url, settings);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Usage: /);
  });
});
