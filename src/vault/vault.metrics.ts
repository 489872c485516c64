import { Counter, Gauge, type Registry } from 'prom-client';

import { levelOf } from '../platform/level.js';
import type { Secrets } from './secrets.js';

/** Names and versions; never what stands in a secret. */
export function registerVaultMetrics(registry: Registry, secrets: Secrets): void {
  const level = (name: string, help: string, read: () => number): void => levelOf(registry, name, help, read);
  const count = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  const { vault, certificate } = secrets;
  level('session_vault_up', '1 while Vault answers and lets us in; NaN without Vault', () =>
    vault ? Number(vault.whatIsWrong() === undefined) : NaN,
  );
  count(
    'session_vault_logins_total',
    'Logins to Vault since the start; a token that is renewed needs few',
    () => vault?.loginsSoFar ?? 0,
  );
  level('session_secrets_age_seconds', 'Since every secret was last read', () => (secrets.ageMs ?? NaN) / 1_000);
  level(
    'session_certificate_expiry_timestamp_seconds',
    'When the certificate of the port ends; NaN without TLS',
    () => (certificate?.expiresAtMs ?? NaN) / 1_000,
  );
  count(
    'session_certificate_swaps_total',
    'Times the certificate was replaced since the start',
    () => certificate?.swapsSoFar ?? 0,
  );
  new Gauge({
    name: 'session_secret_usable',
    help: '1 while the secret can be read and used as it is there; else an older one is used, or none',
    labelNames: ['secret'],
    registers: [registry],
    collect() {
      for (const secret of secrets.all) this.set({ secret: secret.name }, Number(secret.whatIsWrong() === undefined));
    },
  });
}
