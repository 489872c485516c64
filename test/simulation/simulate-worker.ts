import { parentPort } from 'node:worker_threads';

import { variantNamed } from './variants/all-variants.js';
import { type Violation, World } from './world.js';

/** Seeds from here up to, not including, there; none: there is nothing more to do. */
export interface Share {
  from: number;
  to: number;
  /** What is broken first. */
  variant?: string;
}

export interface Finding extends Violation {
  seed: number;
}

async function work({ from, to, variant }: Share): Promise<void> {
  if (from >= to) return process.exit();
  const broken = variantNamed(variant);
  const findings: Finding[] = [];
  for (let seed = from; seed < to; seed += 1) {
    const { violation } = await new World(seed, broken).run();
    if (violation) findings.push({ seed, ...violation });
  }
  parentPort?.postMessage({ runs: to - from, findings });
}

parentPort?.on('message', (share: Share) => void work(share));
