import { isIP } from 'node:net';
import type { RedisOptions } from 'ioredis';

/** Where the server is and who we are there. */
export interface RedisAddress {
  host: string;
  port: number;
  username?: string;
  password?: string;
  /** `true`: verified by the authorities that Node trusts; `ca`: by these (PEM). */
  tls?: boolean | { ca: string };
  db?: number;
}

const DEFAULT_PORT = 6379;

/** `redis://user:password@host:port/db`, or `rediss://` for TLS. The error never repeats the URL: it may hold a password. */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isRedis = url?.protocol === 'redis:' || url?.protocol === 'rediss:';
  if (!url || !isRedis || url.hostname === '') throw new Error('a Redis URL looks like redis://host:port/db');
  const db = url.pathname.replace(/^\//, '');
  if (!/^\d{0,6}$/.test(db)) throw new Error('the path of a Redis URL is the number of a database');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.protocol === 'rediss:' ? { tls: true } : {}),
    ...(db === '' ? {} : { db: Number(db) }),
  };
}

/** For people: never the password. */
export function shownAddress({ host, port }: RedisAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function connectionOptions({ host, port, username, password, tls, db }: RedisAddress): RedisOptions {
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return {
    host,
    port,
    db: db ?? 0,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: { ...servername, ...(tls === true ? {} : { ca: tls.ca }) } } : {}),
  };
}
