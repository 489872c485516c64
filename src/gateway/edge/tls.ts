import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

import type { Settings } from '../../config/settings.schema.js';
import { StartFault } from '../../config/start-fault.js';

export type TlsSettings = Pick<Settings, 'TLS_CERT_PATH' | 'TLS_KEY_PATH'>;

/** The certificate of the port, when it has one. */
export function readTls({ TLS_CERT_PATH, TLS_KEY_PATH }: TlsSettings): { cert: Buffer; key: Buffer } | undefined {
  if (TLS_CERT_PATH === undefined || TLS_KEY_PATH === undefined) return undefined;
  try {
    const pair = { cert: readFileSync(TLS_CERT_PATH), key: readFileSync(TLS_KEY_PATH) };
    createSecureContext(pair);
    return pair;
  } catch (error) {
    const why = (error as Error).message;
    throw new StartFault(`TLS_CERT_PATH and TLS_KEY_PATH name no certificate and its key: ${why}`, { cause: error });
  }
}
