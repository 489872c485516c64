import { isDeepStrictEqual } from 'node:util';

import type { Logger } from '../platform/logger.js';

/** What a secret is called in log lines, `/health` and metrics. */
export type SecretName = 'redis-password' | 'access-keys';

export type Fields = Readonly<Record<string, unknown>>;

/** One reading. `version` is for people: it must say nothing of the value. */
export interface Reading {
  version: string;
  fields: Fields;
}

export interface SecretSource {
  /** Where it lies, for people. */
  readonly place: string;
  read(): Promise<Reading>;
}

export interface SecretParts<T> {
  name: SecretName;
  source: SecretSource;
  /** Throws with a sentence that names fields and never repeats what stands in them. */
  parse: (fields: Fields) => T;
  logger: Logger;
}

/**
 * A secret as it is now. What cannot be read, or is not usable, changes nothing: the last good one is held, and the
 * trouble is told once, and once when it is over.
 */
export class HeldSecret<T> {
  version?: string;
  private held?: { value: T };
  private trouble?: string;
  private readonly listeners: ((value: T) => void)[] = [];

  constructor(private readonly parts: SecretParts<T>) {}

  get name(): SecretName {
    return this.parts.name;
  }

  get place(): string {
    return this.parts.source.place;
  }

  /** Nobody is given one before the first was read. */
  get value(): T {
    if (!this.held) throw new Error(`the secret ${this.name} was not read yet`);
    return this.held.value;
  }

  whatIsWrong(): string | undefined {
    return this.trouble;
  }

  onChange(listener: (value: T) => void): void {
    this.listeners.push(listener);
  }

  async refresh(): Promise<void> {
    try {
      const { version, fields } = await this.parts.source.read();
      this.take(version, this.parts.parse(fields));
    } catch (error) {
      this.failed(error as Error);
      throw error;
    }
  }

  private take(version: string, value: T): void {
    const { logger, name } = this.parts;
    if (this.trouble !== undefined) logger.info({ event: 'secret.usable', secret: name }, `The ${name} can be used.`);
    this.trouble = undefined;
    const before = this.held;
    const isChanged = before === undefined || !isDeepStrictEqual(before.value, value);
    this.version = version;
    this.held = isChanged ? { value } : before;
    if (!before || !isChanged) return;
    logger.info({ event: 'secret.changed', secret: name, version }, `The ${name} was changed; it is used from now on.`);
    for (const listener of this.listeners) listener(value);
  }

  private failed(error: Error): void {
    const { logger, name, source } = this.parts;
    const isNews = this.trouble !== error.message;
    this.trouble = error.message;
    if (!isNews) return;
    const then = this.held ? `version ${this.version} is used on` : 'it is waited for';
    const fields = { event: 'secret.unusable', secret: name, place: source.place, version: this.version };
    logger.warn(fields, `The ${name} cannot be read from ${source.place}: ${error.message}; ${then}.`);
  }
}
