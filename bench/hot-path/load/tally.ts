import { cpuSecondsOf } from '../process-cost.js';
import type { Outcome } from './job.js';

/** Counts what happens within the time that is measured, and reads at both of its ends what it cost. */
export class Tally {
  private latencies: number[] = [];
  private failed = 0;
  private otherStatuses: Record<string, number> = {};
  private fromMs = Infinity;
  private toMs = Infinity;
  private cpuBefore = 0;
  private ownBefore = 0;

  constructor(private readonly pids: readonly number[]) {}

  begin(): void {
    this.fromMs = performance.now();
    this.cpuBefore = cpuSecondsOf(this.pids);
    this.ownBefore = cpuSecondsOf([process.pid]);
  }

  /** 101 and 200 are what is wanted; anything else is an answer all the same. */
  took(ms: number, status = 200): void {
    if (performance.now() < this.fromMs || this.toMs !== Infinity) return;
    if (status !== 200) this.otherStatuses[status] = (this.otherStatuses[status] ?? 0) + 1;
    else this.latencies.push(ms);
  }

  fail(): void {
    if (performance.now() >= this.fromMs && this.toMs === Infinity) this.failed += 1;
  }

  end(): Outcome {
    const cpuSeconds = cpuSecondsOf(this.pids) - this.cpuBefore;
    const ownSeconds = cpuSecondsOf([process.pid]) - this.ownBefore;
    this.toMs = performance.now();
    const seconds = (this.toMs - this.fromMs) / 1_000;
    const sorted = Float64Array.from(this.latencies).sort();
    return {
      done: sorted.length,
      failed: this.failed,
      seconds,
      cpuSeconds,
      latencyMs: { p50: at(sorted, 0.5), p95: at(sorted, 0.95), p99: at(sorted, 0.99), max: at(sorted, 1) },
      generatorBusy: ownSeconds / seconds,
      otherStatuses: this.otherStatuses,
    };
  }
}

function at(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}
