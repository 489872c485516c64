import { Redis } from 'ioredis';

import type { Randomness } from '../randomness.js';
import { GuardedConnector } from './guarded-connector.js';
import { connectionOptions, type RedisAddress, shownAddress } from './redis-address.js';
import { RedisAway, replyCode, translated } from './redis-errors.js';
import type { RedisScript } from './redis-script.js';

export interface ConnectionListener {
  up?(): void;
  /** Told once for each time it goes down, with what is known of why. */
  down?(error: Error): void;
  message?(text: string): void;
  /** The server does not take the password. */
  refused?(): void;
}

const ANSWER_WITHIN_MS = 2_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
const HANG_UP_WITHIN_MS = 100;
const PASSWORD_REFUSED = new Set(['WRONGPASS', 'NOAUTH']);
/** Beyond what a server answers within the deadline, more of them only add to the heap. */
const MOST_UNANSWERED = 10_000;

/**
 * One connection to one Redis server. It comes back by itself, for ever; while it is away every call fails at once, and
 * nothing waits in a queue: whoever asked knows best whether it is still worth asking. No call takes longer than the
 * deadline. A server that stops answering is hung up on, so that what it owes us does not pile up.
 */
export class RedisConnection {
  readonly server: string;
  isUp = false;
  private readonly redis: Redis;
  private readonly listeners = new Set<ConnectionListener>();
  private lastError?: Error;
  private wasToldDown = false;
  private readonly closing = new AbortController();
  private unanswered = 0;
  private readonly loading = new Map<string, Promise<unknown>>();
  /** Tried by turns with the present one until that is taken. */
  private formerPassword?: string;
  /** The server has let us in with it. */
  private acceptedPassword?: string;

  constructor(
    private readonly address: RedisAddress,
    randomness: Randomness,
    answerWithinMs = ANSWER_WITHIN_MS,
  ) {
    this.server = shownAddress(address);
    this.redis = new Redis({
      ...connectionOptions(address),
      Connector: GuardedConnector,
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      connectTimeout: answerWithinMs,
      commandTimeout: answerWithinMs,
      socketTimeout: answerWithinMs,
      disconnectTimeout: HANG_UP_WITHIN_MS,
      maxLoadingRetryTime: 500,
      retryStrategy: (times) => retryAfterMs(times, randomness.fraction()),
      // A primary that became a replica: the name may lead to its successor by now.
      reconnectOnError: (error) => replyCode(error) === 'READONLY',
      disableClientInfo: true,
    });
    this.redis.on('error', (error: Error) => this.failed(error));
    this.redis.on('ready', () => this.cameUp());
    this.redis.on('close', () => this.wentDown());
    this.redis.on('end', () => this.reviveLater());
    this.redis.on('message', (_channel, text) => this.tell((listener) => listener.message?.(text)));
  }

  listen(listener: ConnectionListener): void {
    this.listeners.add(listener);
  }

  /** Resolves when it is up for the first time, however long that takes. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isUp) return resolve();
      this.redis.once('ready', resolve);
      this.closing.signal.addEventListener('abort', () => reject(this.closedError()));
      // What fails is told as going down, and tried again.
      this.redis.connect().catch(() => undefined);
    });
  }

  async run(script: RedisScript, ...args: string[]): Promise<unknown> {
    try {
      return await this.call('EVALSHA', script.sha, '0', ...args);
    } catch (error) {
      if (replyCode(error) !== 'NOSCRIPT') throw error;
      await this.loaded(script);
      return this.call('EVALSHA', script.sha, '0', ...args);
    }
  }

  /** A server that has just started knows no script: of all that find this out at once, one sends it. */
  private loaded(script: RedisScript): Promise<unknown> {
    const underWay = this.loading.get(script.sha);
    if (underWay) return underWay;
    const loading = this.call('SCRIPT', 'LOAD', script.lua).finally(() => this.loading.delete(script.sha));
    this.loading.set(script.sha, loading);
    return loading;
  }

  /** What is asked within is sent in one piece, and answered each by itself. */
  together<T>(ask: () => T): T {
    const { stream } = this.redis as { stream?: Redis['stream'] };
    stream?.cork();
    try {
      return ask();
    } finally {
      stream?.uncork();
    }
  }

  async call(command: string, ...args: string[]): Promise<unknown> {
    if (this.isClosed) throw this.closedError();
    if (this.unanswered >= MOST_UNANSWERED) throw this.awayBecause(`${this.unanswered} calls wait for an answer`);
    if (!this.isUp) throw this.awayBecause(this.lastError?.message ?? 'not connected', this.lastError);
    this.unanswered += 1;
    try {
      return await this.redis.call(command, ...args);
    } catch (error) {
      throw translated(error, this.server);
    } finally {
      this.unanswered -= 1;
    }
  }

  /**
   * The connection that there is stays: it proves itself anew on the way, so that nothing in flight is lost. The server may
   * not know the password yet, or not know the former one any more; who connects tries both until the new one is taken.
   * False: the server was not asked.
   */
  async changePassword(password: string | undefined): Promise<boolean> {
    const { options } = this.redis;
    if (options.password === password) return false;
    this.formerPassword = this.acceptedPassword ?? options.password ?? undefined;
    options.password = password;
    if (!this.isUp || password === undefined) return false;
    await this.call('AUTH', this.address.username ?? 'default', password);
    this.acceptedPassword = password;
    this.formerPassword = undefined;
    return true;
  }

  /** Hangs up; `up` is told again when it is back. */
  reconnect(): void {
    if (this.isUp && !this.isClosed) this.redis.disconnect(true);
  }

  /** Soon, whether or not the server still answers. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.closing.abort();
    const hungUp = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 2 * HANG_UP_WITHIN_MS);
      this.redis.once('end', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.redis.disconnect();
    await hungUp;
  }

  private get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  private cameUp(): void {
    this.isUp = true;
    this.wasToldDown = false;
    this.lastError = undefined;
    this.acceptedPassword = this.redis.options.password ?? undefined;
    this.tell((listener) => listener.up?.());
  }

  private failed(error: Error): void {
    if (PASSWORD_REFUSED.has(replyCode(error) ?? '')) this.passwordRefused();
    this.lastError = translated(error, this.server);
  }

  private passwordRefused(): void {
    const { options } = this.redis;
    if (this.formerPassword !== undefined)
      [options.password, this.formerPassword] = [this.formerPassword, options.password ?? undefined];
    this.tell((listener) => listener.refused?.());
  }

  private wentDown(): void {
    this.isUp = false;
    if (this.wasToldDown || this.isClosed) return;
    this.wasToldDown = true;
    const error = this.lastError ?? this.awayBecause('the connection was closed');
    this.tell((listener) => listener.down?.(error));
  }

  /** ioredis gives up when it is hung up on in the middle of connecting; we do not. */
  private reviveLater(): void {
    if (this.isClosed) return;
    const timer = setTimeout(() => {
      if (!this.isClosed) this.redis.connect().catch(() => undefined);
    }, FIRST_RETRY_MS);
    timer.unref();
  }

  private tell(what: (listener: ConnectionListener) => void): void {
    for (const listener of this.listeners) what(listener);
  }

  private closedError(): RedisAway {
    return this.awayBecause('this connection was closed for good');
  }

  private awayBecause(why: string, cause?: Error): RedisAway {
    return new RedisAway(`Redis at ${this.server} cannot be used now: ${why}`, { cause });
  }
}

/** Doubling up to a cap; between half of it and all of it, so that replicas do not come back in step. */
export function retryAfterMs(times: number, fraction: number): number {
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(times - 1, 16));
  return Math.ceil(longest * (0.5 + fraction / 2));
}
