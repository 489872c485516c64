import type { Clock } from '../../platform/clock.js';
import { GatewayError } from '../problem.js';
import { RateLimiter } from '../rate-limiter.js';

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A bucket holds one second's worth, so an untouched one is full again after a second. */
const FULL_AFTER_MS = 1_000;

/**
 * One bucket for each owner seen within the last second: a full bucket says nothing and is dropped. The map is kept
 * in order of last use, so the ones to drop stand in front and a pass costs the same however many owners there are.
 */
export class TokenBucketRateLimiter extends RateLimiter {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly perSecond: number,
    private readonly clock: Clock,
  ) {
    super();
  }

  pass(owner: string): void {
    if (this.perSecond === 0) return;
    const nowMs = this.clock.monotonicMs();
    const tokens = this.refilled(owner, nowMs);
    this.dropFull(nowMs);
    this.buckets.delete(owner);
    this.buckets.set(owner, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs });
    if (tokens < 1) throw this.refusal(((1 - tokens) / this.perSecond) * 1_000);
  }

  /** Owners that are remembered. */
  get size(): number {
    return this.buckets.size;
  }

  private refilled(owner: string, nowMs: number): number {
    const bucket = this.buckets.get(owner);
    if (!bucket) return this.perSecond;
    return Math.min(this.perSecond, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * this.perSecond);
  }

  private dropFull(nowMs: number): void {
    for (const [owner, bucket] of this.buckets) {
      if (nowMs - bucket.atMs < FULL_AFTER_MS) return;
      this.buckets.delete(owner);
    }
  }

  private refusal(retryAfterMs: number): GatewayError {
    const sentence = `This owner may make ${this.perSecond} requests a second; slow down.`;
    return new GatewayError('RATE_LIMITED', sentence, { retryAfterMs });
  }
}
