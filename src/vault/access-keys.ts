import { z } from 'zod';

import type { Fields } from './held-secret.js';

/** HS256. Without a `kid` it verifies every token that names none of the others. */
export interface TokenKey {
  kid?: string;
  secret: string;
}

/** Whom a request with the header `X-API-Key` speaks for. */
export interface ApiKey {
  name: string;
  subject: string;
  scopes: readonly string[];
}

/** What callers prove themselves with. */
export interface AccessKeys {
  tokenKeys: readonly TokenKey[];
  /** By the SHA-256 of the key, as hexadecimal digits. */
  apiKeys: ReadonlyMap<string, ApiKey>;
}

export const NO_KEYS: AccessKeys = { tokenKeys: [], apiKeys: new Map() };

const SHORTEST_SECRET = 32;
const LONGEST_SUBJECT = 1_024;
const FIELD = /^(token|api-key)\.([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/;

const apiKeySchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/i),
  subject: z
    .string()
    .min(1)
    .max(LONGEST_SUBJECT)
    .regex(/^\P{Cc}*$/u),
  scopes: z.array(z.string().min(1)).default([]),
});

/**
 * One field for each key, so that each can be put and removed by itself: `token.<kid>` is the key itself,
 * `api-key.<name>` is `{"sha256": …, "subject": …, "scopes": […]}`, as JSON in a text or as it is.
 */
export function accessKeysOf(fields: Fields): AccessKeys {
  const tokenKeys: TokenKey[] = [];
  const apiKeys = new Map<string, ApiKey>();
  for (const [at, [field, value]] of Object.entries(fields).entries()) {
    const [, kind, name] = FIELD.exec(field) ?? [];
    // Its name may be a key that was put on the wrong side.
    if (kind === undefined || name === undefined)
      throw new Error(`field ${at + 1} is neither token.<kid> nor api-key.<name>`);
    if (kind === 'token') tokenKeys.push({ kid: name, secret: secretOf(field, value) });
    else addApiKey(apiKeys, name, value);
  }
  return { tokenKeys, apiKeys };
}

function secretOf(field: string, value: unknown): string {
  if (typeof value !== 'string' || Buffer.byteLength(value) < SHORTEST_SECRET)
    throw new Error(`the field ${field} is no text of at least ${SHORTEST_SECRET} bytes`);
  return value;
}

function addApiKey(apiKeys: Map<string, ApiKey>, name: string, value: unknown): void {
  const parsed = apiKeySchema.safeParse(typeof value === 'string' ? jsonOf(value) : value);
  if (!parsed.success) {
    const where = parsed.error.issues.map(({ path }) => path.join('.') || 'the whole of it');
    throw new Error(`the field api-key.${name} is not usable (look at ${[...new Set(where)].join(', ')})`);
  }
  const { sha256, subject, scopes } = parsed.data;
  apiKeys.set(sha256.toLowerCase(), { name, subject, scopes });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
