/**
 * Berth's standing with Vault: a token that is always there, and calls that carry it. The token is renewed at two thirds
 * of its life; a login follows when that is refused, when the maximum is near, or when a call finds the token gone.
 * While Vault is away the token may expire: the next login makes up for it, and nobody but the secrets waits.
 */
import { Logger } from '../platform/logger.js';
import { type Login, renewed, type TokenLease } from './login.js';
import { isNearItsMaximum, renewAfterMs } from './renewal.js';
import { type Means, Repetition } from './repetition.js';
import type { VaultAnswer, VaultAsk, VaultClient } from './vault-client.js';
import { VaultError } from './vault-error.js';

export interface AccessMeans extends Means {
  logger: Logger;
}

type Asks = Pick<VaultClient, 'ask' | 'close'>;
/** The token may be refused while it still serves, and may serve while a login is refused. */
type Part = 'token' | 'calls';

export class VaultAccess {
  private lease?: TokenLease;
  private firstLifeMs = 0;
  private readonly troubles: Partial<Record<Part, VaultError>> = {};
  private logins = 0;
  private readonly keeping: Repetition;

  constructor(
    private readonly client: Asks,
    private readonly login: Login,
    private readonly means: AccessMeans,
  ) {
    this.keeping = new Repetition(() => this.keep(), means);
  }

  /** Logged in for the first time, however long that takes. */
  open(): Promise<void> {
    return this.keeping.untilDone();
  }

  /** What keeps us from Vault; undefined: nothing, as far as the last call knows. */
  whatIsWrong(): string | undefined {
    const { token, calls } = this.troubles;
    return (token ?? calls)?.message ?? (this.lease ? undefined : 'not logged in yet');
  }

  get loginsSoFar(): number {
    return this.logins;
  }

  async ask(what: Omit<VaultAsk, 'token'>): Promise<VaultAnswer> {
    const { token } = await this.leaseNow();
    try {
      return await this.noted('calls', this.client.ask({ ...what, token }));
    } catch (error) {
      if (!isDenied(error) || (await this.lives(token))) throw error;
      await this.replace(token);
      return this.noted('calls', this.client.ask({ ...what, token: (await this.leaseNow()).token }));
    }
  }

  async close(): Promise<void> {
    this.keeping.stop();
    await this.client.close();
  }

  private async keep(): Promise<number> {
    this.lease = await this.noted('token', this.renewedOrNew());
    return renewAfterMs(this.lease.lifeMs, this.means.randomness.fraction());
  }

  private async renewedOrNew(): Promise<TokenLease> {
    const { lease } = this;
    if (!lease?.isRenewable || isNearItsMaximum(lease.lifeMs, this.firstLifeMs)) return this.loggedIn();
    try {
      return await renewed(this.client, lease.token);
    } catch (error) {
      if (isAway(error)) throw error;
      this.sayGone();
      return this.loggedIn();
    }
  }

  /** A call or the renewal may be the first to find out. */
  private sayGone(): void {
    this.means.logger.info({ event: 'vault.token-gone' }, 'The token of Vault is not good any more; logging in anew.');
  }

  private async loggedIn(): Promise<TokenLease> {
    const lease = await this.login();
    this.firstLifeMs = lease.lifeMs;
    this.logins += 1;
    this.means.logger.debug({ event: 'vault.login', lifeSeconds: lease.lifeMs / 1_000 }, 'Logged in to Vault.');
    return lease;
  }

  private async leaseNow(): Promise<TokenLease> {
    if (!this.lease) await this.keeping.now();
    if (!this.lease) throw new VaultError('away', 'not logged in to Vault yet');
    return this.lease;
  }

  /** A policy that does not allow something denies it with the same word as a token that is gone. */
  private lives(token: string): Promise<boolean> {
    return this.client.ask({ path: 'auth/token/lookup-self', token }).then(
      () => true,
      (error) => !isDenied(error),
    );
  }

  /** Unless somebody else has done so meanwhile. */
  private async replace(token: string): Promise<void> {
    if (this.lease?.token !== token) return;
    this.lease = undefined;
    this.sayGone();
    await this.keeping.now();
  }

  private async noted<T>(part: Part, asked: Promise<T>): Promise<T> {
    try {
      const answer = await asked;
      this.settled(part);
      return answer;
    } catch (error) {
      this.failed(part, error as VaultError);
      throw error;
    }
  }

  /** That there is nothing, or nothing for us, is an answer; without a token it is not. */
  private failed(part: Part, error: VaultError): void {
    if (part === 'calls' && !isAway(error)) return this.settled(part);
    const isNews = !Object.values(this.troubles).some(({ trouble }) => trouble === error.trouble);
    this.troubles[part] = error;
    if (!isNews) return;
    const sentence = `Vault cannot be used: ${error.message}. What is held goes on; trying until it can.`;
    this.means.logger.warn({ event: 'vault.away', trouble: error.trouble }, sentence);
  }

  private settled(part: Part): void {
    if (!this.troubles[part]) return;
    delete this.troubles[part];
    if (Object.keys(this.troubles).length > 0) return;
    this.means.logger.info({ event: 'vault.back' }, 'Vault answers again.');
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof VaultError && error.trouble === 'denied';
}

function isAway(error: unknown): boolean {
  return error instanceof VaultError && (error.trouble === 'away' || error.trouble === 'sealed');
}
