import { hash } from 'node:crypto';

import type { Caller } from '../../lifecycle/session.js';
import { BoundedMap } from '../../platform/bounded-map.js';
import type { Clock } from '../../platform/clock.js';
import type { Identity } from './claims.js';

interface Entry extends Identity {
  checkAgainAtMs: number;
}

const CAPACITY = 10_000;
/** A key that was withdrawn is noticed after this; a signature each five minutes costs nothing. */
const REMEMBERED_MS = 5 * 60_000;

/**
 * Tokens whose signature was checked, so that a client's next request costs a digest. Bounded; the one not used for
 * longest goes first. Only digests are kept: a dump of the memory shows no token.
 */
export class VerifiedTokens {
  private readonly entries: BoundedMap<string, Entry>;

  constructor(
    private readonly clock: Clock,
    private readonly capacity = CAPACITY,
  ) {
    this.entries = new BoundedMap(capacity);
  }

  find(token: string): Caller | undefined {
    const digest = digestOf(token);
    const entry = this.entries.get(digest);
    if (!entry) return undefined;
    if (entry.expiresAtMs <= this.clock.nowMs() || entry.checkAgainAtMs <= this.clock.monotonicMs()) {
      this.entries.delete(digest);
      return undefined;
    }
    if (this.isNearlyFull) this.entries.set(digest, entry);
    return entry.caller;
  }

  add(token: string, identity: Identity): void {
    this.entries.set(digestOf(token), { ...identity, checkAgainAtMs: this.clock.monotonicMs() + REMEMBERED_MS });
  }

  get size(): number {
    return this.entries.size;
  }

  /** Only then does it matter who was used last: to move an entry for each request would rebuild the map all the time. */
  private get isNearlyFull(): boolean {
    return this.entries.size * 2 > this.capacity;
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}
