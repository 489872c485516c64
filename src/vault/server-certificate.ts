import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

import { Logger } from '../platform/logger.js';
import { renewAfterMs } from './renewal.js';
import { type Means, Repetition } from './repetition.js';

/** PEM: the certificate with what stands above it, and its key. */
export interface KeyPair {
  cert: string;
  key: string;
}

export interface CertificateSource {
  /** Where it comes from, for people. */
  readonly place: string;
  /** `lookAgainMs`: it is replaced by others, and only looked at. Absent: each time there is a new one, to be had in time. */
  obtain(): Promise<KeyPair & { lookAgainMs?: number }>;
}

/** While a certificate runs out nobody waits for long to ask for the next one. */
const LONGEST_RETRY_MS = 5_000;

/**
 * The certificate of the port, and the next one in time. What cannot be had, or does not fit its key, changes nothing:
 * the last good one is shown on, even past its end, for without one there would be no port.
 */
export class ServerCertificate {
  private held?: KeyPair & { expiresAtMs: number };
  private trouble?: string;
  private swaps = 0;
  private readonly listeners: ((pair: KeyPair) => void)[] = [];
  private readonly repetition: Repetition;

  constructor(
    private readonly source: CertificateSource,
    private readonly means: Means & { logger: Logger },
  ) {
    this.repetition = new Repetition(() => this.refresh(), means, LONGEST_RETRY_MS);
  }

  /** The first one, however long that takes; it is kept up from then on. */
  open(): Promise<void> {
    return this.repetition.untilDone();
  }

  /** The first one now or never: throws with the reason. */
  openNow(): Promise<void> {
    return this.repetition.now();
  }

  reload(): Promise<void> {
    return this.repetition.now();
  }

  close(): void {
    this.repetition.stop();
  }

  get place(): string {
    return this.source.place;
  }

  get pair(): KeyPair {
    if (!this.held) throw new Error('there is no certificate yet');
    return this.held;
  }

  /** undefined: there is none yet. */
  get expiresAtMs(): number | undefined {
    return this.held?.expiresAtMs;
  }

  get swapsSoFar(): number {
    return this.swaps;
  }

  whatIsWrong(): string | undefined {
    if (!this.held) return this.trouble ?? 'there is none yet';
    return this.held.expiresAtMs <= this.means.clock.nowMs() ? `it has expired${this.because()}` : this.trouble;
  }

  onChange(listener: (pair: KeyPair) => void): void {
    this.listeners.push(listener);
  }

  private async refresh(): Promise<number> {
    try {
      const { lookAgainMs, ...pair } = await this.source.obtain();
      const expiresAtMs = this.take(pair);
      const lifeMs = expiresAtMs - this.means.clock.nowMs();
      if (lifeMs <= 0) return LONGEST_RETRY_MS; // by a clock that is wrong, perhaps: not in a loop
      return lookAgainMs ?? renewAfterMs(lifeMs, this.means.randomness.fraction());
    } catch (error) {
      this.failed(error as Error);
      throw error;
    }
  }

  private take(pair: KeyPair): number {
    const facts = factsOf(pair);
    const before = this.held;
    const nowMs = this.means.clock.nowMs();
    if (before && before.expiresAtMs > nowMs && facts.expiresAtMs <= nowMs) throw new Error('it has expired');
    this.trouble = undefined;
    if (before?.cert === pair.cert && before.key === pair.key) return before.expiresAtMs;
    this.held = { ...pair, expiresAtMs: facts.expiresAtMs };
    const expiresAt = new Date(facts.expiresAtMs).toISOString();
    const fields = { event: 'certificate.taken', serial: facts.serial, expiresAt };
    this.means.logger.info(fields, `The port shows a certificate that is good until ${expiresAt}.`);
    if (before) this.swaps += 1;
    if (before) for (const listener of this.listeners) listener(pair);
    return facts.expiresAtMs;
  }

  private failed(error: Error): void {
    const isNews = this.trouble !== error.message;
    this.trouble = error.message;
    if (!isNews) return;
    const then = this.held ? 'the one that there is is shown on' : 'it is waited for';
    const sentence = `No certificate can be had from ${this.source.place}: ${error.message}; ${then}.`;
    this.means.logger.warn({ event: 'certificate.unusable', place: this.source.place }, sentence);
  }

  private because(): string {
    return this.trouble === undefined ? '' : `: ${this.trouble}`;
  }
}

/** Between two writes the files may be of two certificates, and a key that does not fit would end every handshake. */
function factsOf({ cert, key }: KeyPair): { serial: string; expiresAtMs: number } {
  createSecureContext({ cert, key });
  const leaf = new X509Certificate(cert);
  if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is not that of the certificate');
  return { serial: leaf.serialNumber, expiresAtMs: Date.parse(leaf.validTo) };
}
