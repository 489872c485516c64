import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { describeWithControlPlane } from './kubernetes/index.js';

const ROOT = join(__dirname, '..', '..');
const MISSING = 3;

/** Builds Helm where it has to, which takes two minutes the first time; where there is no Go either, there is none. */
function helmOrNone(): string | undefined {
  const { status, stdout, stderr } = spawnSync('scripts/chart-tool', ['helm'], { cwd: ROOT, encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  if (status !== MISSING || process.env.CI) throw new Error(stderr);
  console.warn(`What needs Helm is not tried: ${stderr}`);
  return undefined;
}

/** Where it is; only what stands in `describeWithHelm` may ask. */
export const helm = helmOrNone();

/** A suite that needs Helm and an API server. */
export const describeWithHelm = helm === undefined ? describe.skip : describeWithControlPlane;
