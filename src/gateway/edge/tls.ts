import { readFileSync } from 'node:fs';

import type { Settings } from '../../config/settings.schema.js';

export type TlsSettings = Pick<Settings, 'TLS_CERT_PATH' | 'TLS_KEY_PATH'>;

/** The certificate of the port, when it has one. */
export function readTls({ TLS_CERT_PATH, TLS_KEY_PATH }: TlsSettings): { cert: Buffer; key: Buffer } | undefined {
  if (TLS_CERT_PATH === undefined || TLS_KEY_PATH === undefined) return undefined;
  return { cert: readFileSync(TLS_CERT_PATH), key: readFileSync(TLS_KEY_PATH) };
}
