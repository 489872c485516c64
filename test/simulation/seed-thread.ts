import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import type { Finding, Share } from './simulate-worker.js';

const WORKER = join(__dirname, 'simulate-worker.ts');
const TYPESCRIPT = join(__dirname, '../support/typescript.mjs');

/** Runs seeds in a thread outside of the sandbox that Jest puts tests in, where the same takes several times as long. */
export class SeedThread {
  private readonly worker = new Worker(WORKER, { execArgv: ['--import', TYPESCRIPT] });

  async run(share: Share): Promise<readonly Finding[]> {
    this.worker.postMessage(share);
    const [{ findings }] = (await once(this.worker, 'message')) as [{ findings: Finding[] }];
    return findings;
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}
