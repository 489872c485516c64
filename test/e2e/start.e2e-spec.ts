import { execFile } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

import { refusedStart, startBerth, type BerthProcess } from '../support/berth-process.js';
import { temporaryPath, writeTemplates } from '../support/templates-file.js';

const run = promisify(execFile);

describe('a start', () => {
  it('with several mistakes names all of them at once, and prints no secret', async () => {
    const { code, output } = await refusedStart({
      AUTH_TOKEN_SECRET: 'hunter2-too-short',
      PORT: 'eighty',
      IDLE_TIMEOUT_SECONDS: '0',
      POD_CREATION_TIMEOUT: '-5',
      LOG_LEVEL: 'loud',
      RUNTIME: 'nomad',
      TLS_CERT_PATH: '/nowhere/tls.crt',
    });
    expect(code).not.toBe(0);
    for (const name of [
      'AUTH_TOKEN_SECRET',
      'PORT',
      'IDLE_TIMEOUT_SECONDS',
      'POD_CREATION_TIMEOUT',
      'LOG_LEVEL',
      'RUNTIME',
      'TLS_KEY_PATH',
    ]) {
      expect(output).toContain(name);
    }
    expect(output).not.toContain('hunter2');
    expect(output).not.toMatch(/\n\s+at .*\(/); // no stack: it is the user's mistake, not ours
  });

  it('with keys of which too little is said is refused', async () => {
    const { code, output } = await refusedStart({ AUTH_JWKS_URL: 'http://127.0.0.1:1/keys' });
    expect(code).not.toBe(0);
    expect(output).toMatch(/AUTH_ISSUER/);
    expect(output).toMatch(/AUTH_AUDIENCE/);
  });

  it('of the process runtime with Redis is refused', async () => {
    const { code, output } = await refusedStart({ RUNTIME: 'process', STORE: 'redis' });
    expect(code).not.toBe(0);
    expect(output).toMatch(/STORE/);
  });

  it('with a mistake in one template is refused with its path in the file and the reason', async () => {
    const TEMPLATES_PATH = writeTemplates({ broken: { port: 'eighty' } });
    const { code, output } = await refusedStart({ TEMPLATES_PATH });
    expect(code).not.toBe(0);
    expect(output).toContain(TEMPLATES_PATH);
    expect(output).toMatch(/templates\.broken\.port/);
  });

  it.each([
    ['an unknown field', { broken: { imagee: 'x' } }, /broken.*imagee/s],
    ['a command that is no list', { broken: { command: 'sleep 5' } }, /broken.*command/s],
    ['an idle timeout of nothing', { broken: { idleTimeoutSeconds: 0 } }, /broken.*idleTimeoutSeconds/s],
  ])('with %s in a template is refused', async (_what, templates, expected) => {
    const { code, output } = await refusedStart({ TEMPLATES_PATH: writeTemplates(templates) });
    expect(code).not.toBe(0);
    expect(output).toMatch(expected);
  });

  it.each([
    ['is not there', undefined],
    ['is no YAML', 'templates: {demo: ['],
    ['is something else', '- just\n- a list\n'],
  ])('with a templates file that %s is refused', async (_what, text) => {
    const path = temporaryPath('templates.yaml');
    if (text !== undefined) writeFileSync(path, text);
    const { code, output } = await refusedStart({ TEMPLATES_PATH: path });
    expect(code).not.toBe(0);
    expect(output).toContain(path);
  });

  it('on a port that is taken says so', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const port = String((other.address() as AddressInfo).port);
    const { code, output } = await refusedStart({ PORT: port });
    other.close();
    expect(code).not.toBe(0);
    expect(output).toContain(port);
  });

  describe('without a secret', () => {
    let berth: BerthProcess;
    beforeAll(async () => {
      berth = await startBerth({ AUTH_TOKEN_SECRET: undefined });
    });

    it('prints a curl that runs code in a new session as it stands', async () => {
      const printed = berth.logLines().map((line) => Object.values(line).find(isCurl));
      const curl = printed.find(isCurl) ?? berth.output().split('\n').find(isCurl);
      expect(curl).toBeDefined();
      const command = curl!.slice(curl!.indexOf('curl '));
      const { stdout } = await run('sh', ['-c', command.replace(/^curl /, 'curl --silent --fail-with-body ')]);
      expect(stdout).toMatch(/"executions":\s*1/);
      const again = await run('sh', ['-c', command]);
      expect(again.stdout).toMatch(/"executions":\s*2/);
    });

    it('accepts no token of another key', async () => {
      expect(await berth.status('any')).toMatchObject({ status: 401 });
    });

    it('listens on this machine only', async () => {
      expect(await run('sh', ['-c', 'cat /proc/net/tcp'])).toMatchObject({
        stdout: expect.not.stringMatching(new RegExp(`00000000:${hexPort(berth.url)} \\S+ 0A`)),
      });
    });
  });
});

function isCurl(value: unknown): value is string {
  return typeof value === 'string' && value.includes('curl ');
}

function hexPort(url: string): string {
  return Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
}
