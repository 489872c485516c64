import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { parse } from 'yaml';

import type { Fields, Reading, SecretSource } from './held-secret.js';
import type { VaultAccess } from './vault-access.js';
import { VaultError } from './vault-error.js';

/**
 * A secret of KV version 2. `path` is as `vault kv get` takes it: the mount is its first word, or, where it has more than
 * one, all that stands before `/data/`.
 */
export function fromVault(access: Pick<VaultAccess, 'ask'>, path: string): SecretSource {
  const asked = kvPath(path);
  return {
    place: path,
    read: async () => {
      const { data } = await access.ask({ path: asked });
      const { data: fields, metadata } = (data ?? {}) as { data?: unknown; metadata?: { version?: number } };
      if (typeof fields !== 'object' || fields === null || metadata?.version === undefined)
        throw new VaultError('unusable', `${path} is no secret of KV version 2`);
      return { version: String(metadata.version), fields: fields as Fields };
    },
  };
}

export function kvPath(path: string): string {
  const words = path.split('/').filter(Boolean);
  const named = words.indexOf('data');
  const mount = words.slice(0, Math.max(named, 1));
  return [...mount, 'data', ...words.slice(named > 0 ? named + 1 : 1)].join('/');
}

/** Or whoever reads a version could try words until one has it. */
const VERSION_KEY = randomBytes(32);

/** A file, which whoever put it there may replace. Its version tells one of its contents from another, to this program only. */
export function fromFile(setting: string, path: string, fieldsOf: (text: string) => Fields): SecretSource {
  return {
    place: `${setting} (${path})`,
    read: async () => {
      const text = await textOf(path);
      return {
        version: createHmac('sha256', VERSION_KEY).update(text).digest('hex').slice(0, 8),
        fields: fieldsOf(text),
      };
    },
  };
}

/** What does not change as long as this program runs. */
export function fromEnvironment(names: string, fields: Fields): SecretSource {
  return { place: names, read: (): Promise<Reading> => Promise.resolve({ version: 'environment', fields }) };
}

/** JSON or YAML. A fault of it is told without what stands there. */
export function yamlFields(text: string): Fields {
  let fields: unknown;
  try {
    fields = parse(text);
  } catch {
    throw new Error('it is neither JSON nor YAML');
  }
  if (fields === null || fields === undefined) return {};
  if (typeof fields !== 'object' || Array.isArray(fields)) throw new Error('it has no fields');
  return fields as Fields;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`it cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}
