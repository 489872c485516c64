import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { eventually } from '../support/eventually.js';
import { ApiClient, describeWithControlPlane, sharedControlPlane, ApiProxy } from '../support/kubernetes/index.js';
import { isRunning } from '../support/kubernetes/guarded.js';
import { nextPodAddress } from '../support/kubernetes/pod-address.js';

const LOADER = join(__dirname, '../support/typescript.mjs');
const GUARDED = join(__dirname, '../support/kubernetes/guarded.ts');

describe('a guarded child', () => {
  /** A process that starts one, which in turn starts another, in the background. */
  async function startParent(): Promise<{ parent: number; child: number; exit: Promise<unknown> }> {
    const program = `
      const { startGuarded } = await import(${JSON.stringify(GUARDED)});
      const child = startGuarded(['sh', '-c', 'sleep 600 & exec sleep 600']);
      console.log(child.pid);
      setInterval(() => undefined, 1_000);`;
    const parent = spawn(process.execPath, ['--import', LOADER, '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
    return { parent: parent.pid!, child: Number(line), exit: once(parent, 'exit') };
  }
  const isGroupThere = (group: number): boolean => isRunning(-group);

  it('does not outlive its parent, and leaves nothing behind, however the parent ended', async () => {
    const { parent, child, exit } = await startParent();
    expect(isGroupThere(child)).toBe(true);
    process.kill(parent, 'SIGKILL');
    await exit;
    await eventually(() => expect(isGroupThere(child)).toBe(false));
  });

  it('takes with it what it has started', async () => {
    const { parent, child, exit } = await startParent();
    process.kill(child, 'SIGKILL');
    await eventually(() => expect(isGroupThere(child)).toBe(false));
    process.kill(parent, 'SIGKILL');
    await exit;
  });
});

describe('the addresses of pods', () => {
  it('are all different, keep clear of each other’s processes and of where servers listen', () => {
    const mine = Array.from({ length: 3_000 }, () => nextPodAddress(4_711));
    const neighbour = Array.from({ length: 100 }, () => nextPodAddress(4_712));
    expect(new Set([...mine, ...neighbour]).size).toBe(3_100);
    for (const address of mine) expect(address).toMatch(/^127\.(?!0\.0\.)\d+\.\d+\.(?!0$|255$)\d+$/);
  });
});

describeWithControlPlane('a proxy before the API server', () => {
  let proxy: ApiProxy;
  let client: ApiClient;
  beforeEach(async () => {
    proxy = await ApiProxy.to(sharedControlPlane());
    client = new ApiClient(sharedControlPlane().kubeconfig('admin', { server: proxy.address }));
  });
  afterEach(async () => {
    await client.close();
    await proxy.close();
  });
  const ask = (): Promise<unknown> => client.call('/version', { signal: AbortSignal.timeout(1_000) });

  it('lets calls through', async () => {
    await expect(ask()).resolves.toMatchObject({ major: '1' });
    expect(proxy.connections).toBe(1);
  });

  it('can break connections, and let them through again', async () => {
    await ask();
    proxy.set('cut');
    await expect(ask()).rejects.toThrow();
    proxy.set('pass');
    await expect(ask()).resolves.toMatchObject({ major: '1' });
  });

  it.each(['known', 'new'])('can be silent on a %s connection, and give the answer later', async (kind) => {
    if (kind === 'known') await ask();
    proxy.set('stall');
    await expect(ask()).rejects.toThrow('timeout');
    proxy.set('pass');
    await expect(ask()).resolves.toMatchObject({ major: '1' });
  });

  it('can keep an answer back of what has been done', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    const name = `kept-back-${process.pid}`;
    await ask();
    proxy.set('swallow');
    await expect(client.call(path, { method: 'POST', body: { metadata: { name } } })).rejects.toThrow();
    proxy.set('pass');
    await expect(client.call(`${path}/${name}`, { method: 'DELETE' })).resolves.toMatchObject({ status: 'Success' });
  });
});
