import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

import type { CertificateSource } from './server-certificate.js';
import type { VaultAccess } from './vault-access.js';
import { VaultError } from './vault-error.js';

/** A Secret's mount follows the Secret by up to a minute anyway. */
const LOOK_EVERY_MS = 5_000;

/** Whoever put the files there (cert-manager, a person) replaces them in time. */
export function fromFiles(certPath: string, keyPath: string): CertificateSource {
  return {
    place: `TLS_CERT_PATH and TLS_KEY_PATH (${certPath} and ${keyPath})`,
    obtain: async () => {
      const [cert, key] = await Promise.all([readFile(certPath, 'utf8'), readFile(keyPath, 'utf8')]);
      return { cert, key, lookAgainMs: LOOK_EVERY_MS };
    },
  };
}

export interface PkiRole {
  path: string;
  role: string;
  commonName: string;
  /** Names and addresses. */
  altNames: readonly string[];
  /** 0: the role's. */
  ttlSeconds: number;
}

/** A certificate that Vault's PKI makes for us, and that we renew. */
export function fromPki(access: Pick<VaultAccess, 'ask'>, pki: PkiRole): CertificateSource {
  const { path, role, commonName, altNames, ttlSeconds } = pki;
  const asked = {
    common_name: commonName,
    alt_names: altNames.filter((name) => isIP(name) === 0).join(','),
    ip_sans: altNames.filter((name) => isIP(name) !== 0).join(','),
    ...(ttlSeconds === 0 ? {} : { ttl: `${ttlSeconds}s` }),
  };
  return {
    place: `the role ${role} of ${path}`,
    obtain: async () => {
      const { data } = await access.ask({ path: `${path}/issue/${role}`, body: asked });
      const { certificate, private_key: key, ca_chain: chain } = data ?? {};
      if (typeof certificate !== 'string' || typeof key !== 'string')
        throw new VaultError('unusable', `${path}/issue/${role} gives no certificate`);
      const above = Array.isArray(chain) ? chain.map(String) : [];
      return { cert: [certificate, ...above].map((pem) => `${pem.trim()}\n`).join(''), key };
    },
  };
}
