/**
 * Starts the one control plane that the suites of a run share, and tells the workers of it. Where its parts are missing
 * it says so in one line and the suites skip; with CI=true the run fails instead.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import '../typescript.mjs';

const SCRIPT = join(import.meta.dirname, '../../../scripts/control-plane');
const PARTS = ['etcd', 'kube-apiserver', 'kube-controller-manager'];

export default async function setUp() {
  const { assets, reason } = await findParts();
  if (assets === undefined) {
    const sentence = `The suites that need Kubernetes cannot run (${reason}).`;
    if (process.env.CI === 'true') throw new Error(sentence);
    console.error(`${sentence} They are skipped.`);
    return;
  }
  const { startControlPlane } = await import('./control-plane.ts');
  const { ADDRESS_VARIABLE } = await import('./running-control-plane.ts');
  const controlPlane = await startControlPlane({ assets });
  globalThis.berthControlPlane = controlPlane;
  process.env[ADDRESS_VARIABLE] = JSON.stringify(controlPlane.address);
}

async function findParts() {
  const script = spawn(SCRIPT, PARTS, { stdio: ['ignore', 'pipe', 'pipe'] });
  let reason = 'scripts/control-plane failed';
  let assets = '';
  createInterface(script.stderr).on('line', (line) => {
    reason = line;
    // A build takes minutes: whoever waits wants to know for what.
    if (/: (building|built) /.test(line)) console.error(line);
  });
  script.stdout.setEncoding('utf8').on('data', (text) => (assets += text));
  const [code] = await once(script, 'close');
  return code === 0 ? { assets: assets.trim() } : { reason };
}
