import type { Caller } from '../../lifecycle/session.js';
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';
import { GatewayError } from '../problem.js';
import { Authenticator, type Credentials } from './authenticator.js';
import { bearerTokenOf } from './bearer-token.js';
import { identityOf } from './claims.js';
import type { PassportVerification } from './passport-verification.js';
import { TokenRefused } from './token-refused.js';
import { VerifiedTokens } from './verified-tokens.js';

/** Far beyond any real token; what is longer is not even hashed. */
const LONGEST_TOKEN = 16 * 1_024;

export class JwtAuthenticator extends Authenticator {
  private readonly verified: VerifiedTokens;
  private forgotten = 0;

  constructor(
    private readonly verification: Pick<PassportVerification, 'verify'>,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    super();
    this.verified = new VerifiedTokens(clock);
  }

  authenticate(request: Credentials): Caller | Promise<Caller> {
    const token = bearerTokenOf(request);
    if (token === undefined) throw this.refusal(new TokenRefused('missing'));
    if (token.length > LONGEST_TOKEN) throw this.refusal(new TokenRefused('too-long'));
    return this.verified.find(token) ?? this.verify(request, token);
  }

  /** Each token is looked at anew: what it was verified with may be gone. */
  forget(): void {
    this.forgotten += 1;
    this.verified.forget();
  }

  private async verify(request: Credentials, token: string): Promise<Caller> {
    const { forgotten } = this;
    try {
      const identity = identityOf(await this.verification.verify(request), this.clock.nowMs());
      // What was verified with the keys of before is not remembered under those of now.
      if (forgotten === this.forgotten) this.verified.add(token, identity);
      return identity.caller;
    } catch (error) {
      throw error instanceof TokenRefused ? this.refusal(error) : error;
    }
  }

  private refusal(refused: TokenRefused): GatewayError {
    this.logger.debug({ event: 'auth.refused', reason: refused.reason }, 'A token was refused.');
    const isMissing = refused.reason === 'missing';
    const sentence = isMissing
      ? 'Send a token in the header `Authorization: Bearer <token>`.'
      : 'The token is not valid, or not valid any more; get a new one.';
    return new GatewayError('UNAUTHENTICATED', sentence, { cause: refused });
  }
}
