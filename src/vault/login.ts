import { readFile } from 'node:fs/promises';

import type { VaultAnswer, VaultClient } from './vault-client.js';
import { VaultError } from './vault-error.js';

/** A token and how long it is good for, from when it was given. */
export interface TokenLease {
  token: string;
  /** Infinity: for ever. */
  lifeMs: number;
  isRenewable: boolean;
}

export type Login = () => Promise<TokenLease>;

type Asks = Pick<VaultClient, 'ask'>;

/** As the pod's service account. Its token is read anew each time: the kubelet replaces it before it expires. */
export function kubernetesLogin(client: Asks, at: { path: string; role: string; jwtPath: string }): Login {
  return async () => {
    const jwt = await jwtOf(at.jwtPath);
    return leaseOf(await client.ask({ path: `auth/${at.path}/login`, body: { role: at.role, jwt } }));
  };
}

/** A token that somebody made, for development: it is renewed, but there is no other once it is over. */
export function tokenLogin(client: Asks, token: string): Login {
  return async () => {
    const { data } = await client.ask({ path: 'auth/token/lookup-self', token });
    const { ttl, renewable } = (data ?? {}) as { ttl?: number; renewable?: boolean };
    // A root token has no end.
    return { token, lifeMs: ttl ? ttl * 1_000 : Infinity, isRenewable: renewable === true };
  };
}

export async function renewed(client: Asks, token: string): Promise<TokenLease> {
  return leaseOf(await client.ask({ path: 'auth/token/renew-self', token, body: {} }));
}

function leaseOf({ auth }: VaultAnswer): TokenLease {
  if (typeof auth?.client_token !== 'string')
    throw new VaultError('unusable', 'Vault answers a login without a token: VAULT_ADDR may lead to something else');
  return { token: auth.client_token, lifeMs: auth.lease_duration * 1_000, isRenewable: auth.renewable };
}

async function jwtOf(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new VaultError('refused', `the service account's token cannot be read at ${path} (${why})`);
  }
}
