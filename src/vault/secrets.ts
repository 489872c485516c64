import type { Logger } from '../platform/logger.js';
import type { AccessKeys } from './access-keys.js';
import type { HeldSecret } from './held-secret.js';
import { aboutMs } from './renewal.js';
import { type Means, Repetition } from './repetition.js';
import type { ServerCertificate } from './server-certificate.js';
import type { VaultAccess } from './vault-access.js';

export interface SecretsParts {
  redisPassword: HeldSecret<string | undefined>;
  accessKeys: HeldSecret<AccessKeys>;
  /** Absent: the port speaks plain HTTP. */
  certificate?: ServerCertificate;
  /** Absent: there is no Vault. */
  vault?: VaultAccess;
  /** How often secrets are read anew; Infinity: what they come from does not change. */
  refreshEveryMs: number;
}

/** What can be said of a secret without saying what it is. */
type AnySecret = Pick<HeldSecret<unknown>, 'name' | 'place' | 'version' | 'whatIsWrong' | 'refresh'>;

/** Redis refuses each connection and each attempt: one look is enough for all of them. */
const BETWEEN_LOOKS_MS = 1_000;

/** What Berth keeps secret, whatever it comes from: held in memory, looked after, and told to who uses it when it changes. */
export class Secrets {
  private readonly refreshing: Repetition;
  private lookedAtMs = -Infinity;
  private readAtMs?: number;

  constructor(
    private readonly parts: SecretsParts,
    private readonly means: Means & { logger: Logger },
  ) {
    this.refreshing = new Repetition(() => this.refresh(), means, parts.refreshEveryMs);
  }

  get redisPassword(): HeldSecret<string | undefined> {
    return this.parts.redisPassword;
  }

  get accessKeys(): HeldSecret<AccessKeys> {
    return this.parts.accessKeys;
  }

  get certificate(): ServerCertificate | undefined {
    return this.parts.certificate;
  }

  get vault(): VaultAccess | undefined {
    return this.parts.vault;
  }

  get all(): readonly AnySecret[] {
    return [this.parts.redisPassword, this.parts.accessKeys];
  }

  /** Whether anything may be another one day, so that there is something to reload. */
  get mayChange(): boolean {
    return this.parts.refreshEveryMs !== Infinity || this.parts.certificate !== undefined;
  }

  /** Everything that is not as it should be, in sentences for who runs Berth. */
  troubles(): string[] {
    const { certificate, vault } = this.parts;
    const told = [...this.all, ...(certificate ? [certificate] : [])].flatMap((one) => {
      const why = one.whatIsWrong();
      return why === undefined ? [] : [`${one.place}: ${why}`];
    });
    const why = vault?.whatIsWrong();
    return why === undefined ? told : [why, ...told];
  }

  /** Since every secret was read; undefined: not once. */
  get ageMs(): number | undefined {
    return this.readAtMs === undefined ? undefined : this.means.clock.monotonicMs() - this.readAtMs;
  }

  /** Waits for Vault until all is there. */
  async open(): Promise<void> {
    await this.parts.vault?.open();
    await Promise.all([this.refreshing.untilDone(), this.parts.certificate?.open()]);
  }

  /** The same without Vault: what is not there or not usable will not be, and is thrown. */
  async openNow(): Promise<void> {
    const outcomes = await Promise.allSettled([this.refreshing.now(), this.parts.certificate?.openNow()]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Everything anew, now. */
  async reload(): Promise<void> {
    this.means.logger.info({ event: 'secrets.reload' }, 'Reading secrets and certificate anew.');
    await Promise.allSettled([this.refreshing.now(), this.parts.certificate?.reload()]);
  }

  /** For who was refused with what is held: perhaps it is another by now. */
  lookAgain(): void {
    const nowMs = this.means.clock.monotonicMs();
    if (nowMs - this.lookedAtMs < BETWEEN_LOOKS_MS) return;
    this.lookedAtMs = nowMs;
    void this.refreshing.now().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.refreshing.stop();
    this.parts.certificate?.close();
    await this.parts.vault?.close();
  }

  private async refresh(): Promise<number> {
    const outcomes = await Promise.allSettled(this.all.map((secret) => secret.refresh()));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    this.readAtMs = this.means.clock.monotonicMs();
    const { refreshEveryMs } = this.parts;
    return refreshEveryMs === Infinity ? Infinity : aboutMs(refreshEveryMs, this.means.randomness.fraction());
  }
}
