import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { eventually } from '../../../test/support/eventually.js';
import { freePort } from '../../../test/support/kubernetes/free-port.js';
import { startLogging, stop } from '../programs.js';
import type { Target } from '../target.js';

const PEERS = join(process.cwd(), 'bench/hot-path/peers');
const MAIN = join(PEERS, 'node_modules/configurable-http-proxy/bin/configurable-http-proxy');

/** As JupyterHub runs it: one route for each session, added by its API. On the same Node as Berth. */
export async function configurableHttpProxy(addresses: readonly string[]): Promise<Target | string> {
  if (!isInstalled()) return 'configurable-http-proxy is missing: npm could not install bench/hot-path/peers';
  const [port, apiPort] = [await freePort(), await freePort()];
  const words = ['--ip', '127.0.0.1', '--port', port, '--api-ip', '127.0.0.1', '--api-port', apiPort].map(String);
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-chp-'));
  const child = startLogging('proxy', [process.execPath, MAIN, ...words], folder, { PATH: process.env.PATH });
  for (const [session, address] of addresses.entries()) await addRoute(apiPort, session, address);
  return {
    name: 'configurable-http-proxy',
    pids: [child.pid!],
    headers: {},
    way: (session, podPath) => ({ host: '127.0.0.1', port, path: `/s/${session % addresses.length}${podPath}` }),
    stop: () => stop(child),
  };
}

function isInstalled(): boolean {
  if (existsSync(MAIN)) return true;
  try {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: PEERS, stdio: 'ignore' });
  } catch {
    // said by who asks
  }
  return existsSync(MAIN);
}

function addRoute(apiPort: number, session: number, address: string): Promise<void> {
  const body = JSON.stringify({ target: `http://${address}` });
  return eventually(async () => {
    const answer = await fetch(`http://127.0.0.1:${apiPort}/api/routes/s/${session}`, { method: 'POST', body });
    if (answer.status !== 201) throw new Error(`configurable-http-proxy answered ${answer.status}`);
  }, 20_000);
}
