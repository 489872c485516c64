import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** A broadcast address: the kernel has no way to it, as behind a policy. */
const NO_WAY = '127.255.255.255';
const NO_NAME = 'nobody..invalid';

interface Outcome {
  code: number;
  stdout: string;
}

function isolation(settings: Record<string, string>): Promise<Outcome> {
  const nowhere = { KUBERNETES_SERVICE_HOST: NO_WAY, BERTH_HOST: NO_WAY, BERTH_PORT: '80', METADATA_HOST: NO_WAY };
  const env = {
    PATH: process.env.PATH,
    ...nowhere,
    ISOLATION_REQUIRED: 'true',
    ISOLATION_WAIT_SECONDS: '0',
    ...settings,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(__dirname, '../../scripts/isolation.mjs')], { env }, (error, stdout) => {
      resolve({ code: error ? Number(error.code) : 0, stdout });
    });
  });
}

describe('scripts/isolation.mjs', () => {
  let port: string;
  const server = createServer((socket) => socket.destroy());

  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    port = String((server.address() as { port: number }).port);
  });
  afterAll(() => server.close());

  it('says that policies are enforced where nothing is reached', async () => {
    const { code, stdout } = await isolation({});
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Network policies are enforced'),
    });
  });

  it('fails where something is reached', async () => {
    const { code, stdout } = await isolation({ KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: port });
    expect(code).toBe(1);
    expect(stdout).toContain('NOT ENFORCED by this cluster: session pods reach the API server.');
  });

  // A lookup that failed was taken for a way that is closed.
  it('does not take a name that cannot be looked up for a way that is closed', async () => {
    const { code, stdout } = await isolation({ BERTH_HOST: NO_NAME });
    expect(code).toBe(1);
    expect(stdout).toContain('IS NOT KNOWN: Berth itself');
    expect(await isolation({ BERTH_HOST: NO_NAME, ISOLATION_REQUIRED: 'false' })).toMatchObject({ code: 0 });
  });

  it('tries again what is reached, because a plugin needs its time', async () => {
    let attempts = 0;
    server.on('connection', () => (attempts += 1));
    const settings = { BERTH_HOST: '127.0.0.1', BERTH_PORT: port, ISOLATION_WAIT_SECONDS: '2' };
    expect(await isolation(settings)).toMatchObject({ code: 1 });
    expect(attempts).toBeGreaterThan(1);
  });
});
