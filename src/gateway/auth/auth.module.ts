import { Global, Module } from '@nestjs/common';

import { SETTINGS } from '../../config/config.module.js';
import type { Settings } from '../../config/settings.schema.js';
import { Clock } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import { Secrets } from '../../vault/secrets.js';
import { RateLimiter } from '../rate-limiter.js';
import { ApiKeyAuthenticator } from './api-key-authenticator.js';
import { Authenticator } from './authenticator.js';
import { type DevSigningKey, makeDevSigningKey } from './dev-signing-key.js';
import { JwtAuthenticator } from './jwt-authenticator.js';
import { PassportVerification } from './passport-verification.js';
import { HeldSigningKeys, SecretSigningKey, SigningKeys } from './signing-keys.js';
import { TokenBucketRateLimiter } from './token-bucket-rate-limiter.js';

/** DevSigningKey, or undefined where the settings say how tokens are checked. */
export const DEV_SIGNING_KEY = Symbol('DEV_SIGNING_KEY');

function devSigningKey(settings: Settings, clock: Clock): DevSigningKey | undefined {
  const { AUTH_TOKEN_SECRET, AUTH_JWKS_URL, AUTH_KEYS_PATH, VAULT_ADDR } = settings;
  const isConfigured = [AUTH_TOKEN_SECRET, AUTH_JWKS_URL, AUTH_KEYS_PATH, VAULT_ADDR].some((one) => one !== undefined);
  return isConfigured ? undefined : makeDevSigningKey(clock.nowMs());
}

type Needs = [Settings, DevSigningKey | undefined, Secrets, Clock, Logger];

/** Keys come from whatever secrets come from, and may be others the next moment; those of an issuer from its URL. */
async function makeAuthenticator(...[settings, dev, secrets, clock, logger]: Needs): Promise<Authenticator> {
  const { AUTH_JWKS_URL: url, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = settings;
  const { accessKeys } = secrets;
  const held = new HeldSigningKeys(accessKeys.value.tokenKeys);
  const published = url === undefined ? undefined : await publishedKeys(url, clock, logger);
  const keys: SigningKeys = published ?? (dev ? new SecretSigningKey(dev.secret) : held);
  // A key of our own signs for nobody but this process: there is no issuer or audience to compare.
  const verification = new PassportVerification(keys, dev ? {} : { issuer, audience });
  const tokens = new JwtAuthenticator(verification, clock, logger);
  const authenticator = new ApiKeyAuthenticator(tokens, logger);
  authenticator.use(accessKeys.value.apiKeys);
  accessKeys.onChange(({ tokenKeys, apiKeys }) => {
    held.use(tokenKeys);
    if (!published) tokens.forget();
    authenticator.use(apiKeys);
  });
  return authenticator;
}

/** Loaded by those who have an issuer: the libraries behind it cost each start a twentieth. */
async function publishedKeys(url: string, clock: Clock, logger: Logger): Promise<SigningKeys> {
  const { JwksSigningKeys } = await import('./jwks-signing-keys.js');
  return new JwksSigningKeys(url, clock, logger);
}

/** Who may call, and how often. Global: the edge and the control plane ask the same two. */
@Global()
@Module({
  providers: [
    { provide: DEV_SIGNING_KEY, inject: [SETTINGS, Clock], useFactory: devSigningKey },
    {
      provide: Authenticator,
      inject: [SETTINGS, DEV_SIGNING_KEY, Secrets, Clock, Logger],
      useFactory: makeAuthenticator,
    },
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
