/**
 * `npm run simulate -- --seed N` tells the story of one seed; `-- --seeds N [--from M]` runs many, on every core, and ends
 * non-zero with the seeds that found something; `--variant NAME` breaks something first.
 */
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';

import type { Finding, Share } from './simulate-worker.js';
import { variantNamed } from './variants/all-variants.js';
import { World } from './world.js';

/** Where this file is, however it was started. */
const WORKER = join(dirname(process.argv[1]!), 'simulate-worker.ts');
const STOP_AFTER = 20;
const TOLD_EVERY_MS = 5_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    variant: { type: 'string' },
  },
});

async function tellOne(seed: number): Promise<number> {
  const { story, violation } = await new World(seed, variantNamed(values.variant)).run();
  console.log(story.text());
  console.log(`story ${story.hash()}`);
  if (!violation) return 0;
  console.log(`\nseed ${seed}: ${violation.promise}\n  ${violation.what}`);
  return 1;
}

class Campaign {
  private readonly findings: Finding[] = [];
  private next: number;
  private done = 0;
  private readonly beganAtMs = performance.now();

  constructor(
    private readonly from: number,
    private readonly count: number,
  ) {
    this.next = from;
  }

  async run(): Promise<number> {
    const progress = setInterval(() => this.tell(), TOLD_EVERY_MS);
    await Promise.all(Array.from({ length: availableParallelism() }, () => this.work()));
    clearInterval(progress);
    this.tell();
    if (this.findings.length > 0) console.log('\nThe story of one: npm run simulate -- --seed N');
    return this.findings.length > 0 ? 1 : 0;
  }

  private work(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(WORKER);
      worker.on('message', ({ runs, findings }: { runs: number; findings: Finding[] }) => {
        this.done += runs;
        for (const finding of findings) this.found(finding);
        this.giveShare(worker);
      });
      worker.once('error', reject);
      worker.once('exit', () => resolve());
      this.giveShare(worker);
    });
  }

  /** At once: who ends a long campaign early has not lost what it found. */
  private found(finding: Finding): void {
    this.findings.push(finding);
    const { seed, promise, what } = finding;
    console.log(`seed ${seed}: ${promise}\n  ${what}`);
  }

  private giveShare(worker: Worker): void {
    const last = this.from + this.count;
    const isOver = this.next >= last || this.findings.length >= STOP_AFTER;
    const to = isOver ? this.next : Math.min(last, this.next + 50);
    const share: Share = { from: this.next, to, variant: values.variant };
    this.next = share.to;
    worker.postMessage(share);
  }

  private tell(): void {
    const perSecond = this.done / ((performance.now() - this.beganAtMs) / 1_000);
    const found = this.findings.length === 0 ? 'nothing found' : `${this.findings.length} found something`;
    console.log(`${this.done} of ${this.count} seeds, ${perSecond.toFixed(0)} a second, ${found}`);
  }
}

async function main(): Promise<number> {
  if (values.seed !== undefined) return tellOne(Number(values.seed));
  return new Campaign(Number(values.from), Number(values.seeds ?? 1_000)).run();
}

void main().then((code) => (process.exitCode = code));
