import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import type { Randomness } from '../randomness.js';
import type { KubernetesError } from './kubernetes-errors.js';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
const LONGEST_ASKED_FOR_MS = 30_000;
/** A break that is over sooner is not remembered. */
const HICCUP_MS = 3_000;

export interface OutageParts {
  clock: Clock;
  randomness: Randomness;
  logger: Logger;
}

/** Counts failures in a row: says how long to pause after each, and logs the first and the end. */
export class Outage {
  private failures = 0;
  private sinceMs?: number;
  private lastError?: KubernetesError;
  private endedAtMs = -Infinity;

  constructor(
    private readonly path: string,
    private readonly parts: OutageParts,
  ) {}

  /** How long to wait before the next try. */
  failed(error: KubernetesError): number {
    this.failures++;
    this.lastError = error;
    if (this.sinceMs === undefined && !isExpiry(error)) this.begin(error);
    return pauseMs(this.failures, this.parts.randomness.fraction(), error.retryAfterMs);
  }

  settled(): void {
    this.failures = 0;
    if (this.sinceMs === undefined) return;
    const nowMs = this.parts.clock.monotonicMs();
    const awayMs = Math.round(nowMs - this.sinceMs);
    if (awayMs >= HICCUP_MS) this.endedAtMs = nowMs;
    this.sinceMs = undefined;
    const fields = { event: 'kubernetes.watch-restored', path: this.path, awayMs };
    this.parts.logger.info(fields, 'Kubernetes is watched again');
  }

  /** What keeps it from working; undefined: nothing. */
  trouble(): string | undefined {
    return this.sinceMs === undefined ? undefined : this.lastError?.message;
  }

  /** Since the last trouble that was more than a hiccup; Infinity: there was none. */
  unbrokenMs(): number {
    return this.sinceMs === undefined ? this.parts.clock.monotonicMs() - this.endedAtMs : 0;
  }

  private begin(error: KubernetesError): void {
    this.sinceMs = this.parts.clock.monotonicMs();
    const fields = { event: 'kubernetes.watch-broken', path: this.path, error };
    this.parts.logger.warn(fields, 'Kubernetes is not watched; trying until it is');
  }
}

/** Doubling, between half and all of it, so that replicas do not come back in step. */
export function pauseMs(failures: number, fraction: number, askedForMs = 0): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 30));
  return Math.max(longest * (0.5 + fraction / 2), Math.min(askedForMs, LONGEST_ASKED_FOR_MS));
}

/** The server keeps changes for minutes only: to be listed again now and then is no outage. */
function isExpiry({ status }: KubernetesError): boolean {
  return status === 410;
}
