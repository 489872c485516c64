import { Global, Module } from '@nestjs/common';

import { SETTINGS } from '../../config/config.module.js';
import type { Settings } from '../../config/settings.schema.js';
import { Clock } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import { RateLimiter } from '../rate-limiter.js';
import { Authenticator } from './authenticator.js';
import { type DevSigningKey, makeDevSigningKey } from './dev-signing-key.js';
import { JwksSigningKeys } from './jwks-signing-keys.js';
import { JwtAuthenticator } from './jwt-authenticator.js';
import { PassportVerification } from './passport-verification.js';
import { SecretSigningKey, SigningKeys } from './signing-keys.js';
import { TokenBucketRateLimiter } from './token-bucket-rate-limiter.js';

/** DevSigningKey, or undefined where the settings say how tokens are checked. */
export const DEV_SIGNING_KEY = Symbol('DEV_SIGNING_KEY');

function devSigningKey(settings: Settings, clock: Clock): DevSigningKey | undefined {
  const isConfigured = settings.AUTH_TOKEN_SECRET !== undefined || settings.AUTH_JWKS_URL !== undefined;
  return isConfigured ? undefined : makeDevSigningKey(clock.nowMs());
}

function signingKeys(settings: Settings, dev: DevSigningKey | undefined, clock: Clock, logger: Logger): SigningKeys {
  if (settings.AUTH_JWKS_URL !== undefined) return new JwksSigningKeys(settings.AUTH_JWKS_URL, clock, logger);
  const secret = settings.AUTH_TOKEN_SECRET ?? dev?.secret;
  if (secret === undefined) throw new Error('neither AUTH_TOKEN_SECRET, AUTH_JWKS_URL nor a key of our own');
  return new SecretSigningKey(secret);
}

function authenticator(settings: Settings, keys: SigningKeys, clock: Clock, logger: Logger): Authenticator {
  // A key of our own signs for nobody but this process: there is no issuer or audience to compare.
  const isOurs = settings.AUTH_TOKEN_SECRET === undefined && settings.AUTH_JWKS_URL === undefined;
  const expected = isOurs ? {} : { issuer: settings.AUTH_ISSUER, audience: settings.AUTH_AUDIENCE };
  return new JwtAuthenticator(new PassportVerification(keys, expected), clock, logger);
}

/** Who may call, and how often. Global: the edge and the control plane ask the same two. */
@Global()
@Module({
  providers: [
    { provide: DEV_SIGNING_KEY, inject: [SETTINGS, Clock], useFactory: devSigningKey },
    { provide: SigningKeys, inject: [SETTINGS, DEV_SIGNING_KEY, Clock, Logger], useFactory: signingKeys },
    { provide: Authenticator, inject: [SETTINGS, SigningKeys, Clock, Logger], useFactory: authenticator },
    {
      provide: RateLimiter,
      inject: [SETTINGS, Clock],
      useFactory: (settings: Settings, clock: Clock) =>
        new TokenBucketRateLimiter(settings.RATE_LIMIT_PER_OWNER, clock),
    },
  ],
  exports: [Authenticator, RateLimiter, DEV_SIGNING_KEY],
})
export class AuthModule {}
