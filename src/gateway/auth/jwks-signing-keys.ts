import { createPublicKey, type KeyObject } from 'node:crypto';

import type { Algorithm } from 'jsonwebtoken';
import { JwksClient } from 'jwks-rsa';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';
import { SigningKeys, type TokenHeader } from './signing-keys.js';
import { TokenRefused } from './token-refused.js';

interface PublishedKey {
  kid?: string;
  alg?: string;
  key: KeyObject;
}

const DEADLINE_MS = 5_000;
/** Older than this the set is fetched anew, beside the requests. */
const FRESH_MS = 10 * 60_000;
/** How long a set is believed when its publisher cannot be reached. */
const USABLE_MS = 60 * 60_000;
/** The rate limit: an unknown key id makes no more fetches than this, however many tokens name one. */
const BETWEEN_FETCHES_MS = 30_000;
/** While the publisher is away: how often it is tried. */
const BETWEEN_TRIES_MS = 1_000;

/**
 * AUTH_JWKS_URL. jwks-rsa fetches and reads the set; what is kept is the whole set and not, as in its own cache,
 * single keys: there, tokens with made-up key ids use up the rate limit that the refresh of a good key needs. Here a
 * made-up id makes at most one fetch in 30 s, and that one refreshes the good keys too.
 */
export class JwksSigningKeys extends SigningKeys {
  readonly algorithms: readonly Algorithm[] = [
    ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
    ...(['ES256', 'ES384', 'ES512'] as const),
  ];
  private readonly client: JwksClient;
  private keys: readonly PublishedKey[] = [];
  private fetchedAtMs = -Infinity;
  private triedAtMs = -Infinity;
  private isAway = false;
  private fetching?: Promise<void>;

  constructor(
    private readonly url: string,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    super();
    const fetcher = (): Promise<{ keys: unknown }> => this.download();
    this.client = new JwksClient({ jwksUri: url, cache: false, rateLimit: false, fetcher });
  }

  async keyFor(header: TokenHeader): Promise<KeyObject> {
    if (this.ageMs() > USABLE_MS) await this.refresh();
    else if (this.ageMs() > FRESH_MS) void this.refresh();
    let found = this.find(header);
    if (!found && this.ageMs() <= USABLE_MS) {
      await this.refresh();
      found = this.find(header);
    }
    if (found) return found;
    if (this.isAway) throw this.unavailable();
    throw new TokenRefused('unknown-key');
  }

  private find({ kid, alg }: TokenHeader): KeyObject | undefined {
    if (this.ageMs() > USABLE_MS) return undefined;
    const candidates = kid === undefined && this.keys.length > 1 ? [] : this.keys;
    const published = candidates.find((key) => kid === undefined || key.kid === kid);
    // A key published for one algorithm verifies no other, even where its type would do.
    return published && (published.alg === undefined || published.alg === alg) ? published.key : undefined;
  }

  private ageMs(): number {
    return this.clock.monotonicMs() - this.fetchedAtMs;
  }

  /** Never throws; one at a time, and not too soon after the one before. */
  private async refresh(): Promise<void> {
    const pauseMs = this.isAway ? BETWEEN_TRIES_MS : BETWEEN_FETCHES_MS;
    if (!this.fetching && this.clock.monotonicMs() - this.triedAtMs < pauseMs) return;
    this.fetching ??= this.fetchOnce().finally(() => (this.fetching = undefined));
    await this.fetching;
  }

  private async fetchOnce(): Promise<void> {
    this.triedAtMs = this.clock.monotonicMs();
    try {
      const published = await this.client.getSigningKeys();
      this.keys = published.map(({ kid, alg, ...key }) => ({ kid, alg, key: createPublicKey(key.getPublicKey()) }));
      this.fetchedAtMs = this.clock.monotonicMs();
      if (this.isAway) this.logger.info({ event: 'auth.keys-back', url: this.url }, 'The token keys can be had again.');
      this.isAway = false;
    } catch (error) {
      if (!this.isAway) this.logger.warn({ event: 'auth.keys-away', url: this.url, error }, this.unavailable().message);
      this.isAway = true;
    }
  }

  /** jwks-rsa's own request never settles when the publisher stops in the middle of its answer. */
  private async download(): Promise<{ keys: unknown }> {
    const late = new AbortController();
    const deadline = this.clock.after(DEADLINE_MS, () => late.abort(new Error(`no answer within ${DEADLINE_MS} ms`)));
    try {
      const response = await fetch(this.url, { signal: late.signal, headers: { accept: 'application/json' } });
      if (!response.ok) throw new Error(`status ${response.status}`);
      return (await response.json()) as { keys: unknown };
    } finally {
      deadline.cancel();
    }
  }

  private unavailable(): LifecycleError {
    const sentence = 'The keys that tokens are checked with cannot be fetched; try again in a moment.';
    return new LifecycleError('DEPENDENCY_UNAVAILABLE', sentence, { retryAfterMs: BETWEEN_TRIES_MS });
  }
}
