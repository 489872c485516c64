import { createSecretKey } from 'node:crypto';
import type { Readable } from 'node:stream';

import jwt from 'jsonwebtoken';
import { Agent, request, type Dispatcher } from 'undici';
import { WebSocket } from 'ws';

import { collectMessages } from './streams.js';

export const TOKEN_SECRET = 'test-signing-key-of-more-than-32-bytes';

export interface Claims {
  scope?: string;
  expiresInSeconds?: number;
  notBeforeInSeconds?: number;
  issuer?: string;
  audience?: string;
  secret?: string;
  algorithm?: jwt.Algorithm;
  keyId?: string;
}

export interface CallOptions {
  /** Subject of the token that is sent, or subject and claims; without it no token is sent. */
  as?: string | ({ subject: string } & Claims);
  headers?: Record<string, string | string[]>;
  /** An object is sent as JSON; of a stream nothing is sent, not even the head, before its first bytes. */
  body?: string | Buffer | Readable | object;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The parsed answer when it is JSON, else empty. */
  body: Record<string, unknown>;
}

/** As the library would make of it by itself, with a try as a private key before, for each token. */
const TOKEN_KEY = createSecretKey(Buffer.from(TOKEN_SECRET));

/** One user's tools: tokens, HTTP calls and WebSockets against one Berth. */
export class BerthClient {
  private readonly agent: Agent;

  /** `ca`: whom a client trusts where it speaks TLS. */
  constructor(
    readonly url: string,
    readonly metricsUrl: string,
    private readonly ca?: string,
  ) {
    this.agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { ca } });
  }

  token(subject: string, claims: Claims = {}): string {
    const { scope, expiresInSeconds = 3600, notBeforeInSeconds, issuer, audience } = claims;
    const options: jwt.SignOptions = { subject, algorithm: claims.algorithm ?? 'HS256', expiresIn: expiresInSeconds };
    if (notBeforeInSeconds !== undefined) options.notBefore = notBeforeInSeconds;
    if (issuer !== undefined) options.issuer = issuer;
    if (audience !== undefined) options.audience = audience;
    if (claims.keyId !== undefined) options.keyid = claims.keyId;
    return jwt.sign(scope === undefined ? {} : { scope }, claims.secret ?? TOKEN_KEY, options);
  }

  /** Sends a request and reads the whole answer. `path` may be a whole URL. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { statusCode: status, headers, body: stream } = await this.open(method, path, options);
    const text = await stream.text();
    return { status, headers, text, body: parseIfJson(headers, text) };
  }

  /** Sends a request and gives the answer as soon as its head is there; its body has to be read or destroyed. */
  open(method: string, path: string, options: CallOptions = {}): Promise<Dispatcher.ResponseData> {
    const { body, headers } = this.encode(options);
    const url = new URL(path, this.url);
    return request(url, { method, headers, body, signal: options.signal, dispatcher: this.agent });
  }

  execute(id: string, data: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.call('POST', `/api/v1/session/${id}/execute`, { as: 'alice', body: { data }, ...options });
  }

  status(id: string, options: CallOptions = {}): Promise<Answer> {
    return this.call('GET', `/api/v1/session/${id}/status`, { as: 'alice', ...options });
  }

  /** PUT: opens a session ahead of use. */
  put(id: string, asked: object = {}, options: CallOptions = {}): Promise<Answer> {
    return this.call('PUT', `/api/v1/session/${id}`, { as: 'alice', body: asked, ...options });
  }

  end(id: string, options: CallOptions = {}): Promise<Answer> {
    return this.call('DELETE', `/api/v1/session/${id}`, { as: 'alice', ...options });
  }

  /** Resolves once open; rejects with the status in its message when the upgrade is refused. */
  async socket(path: string, options: CallOptions & { protocols?: string[] } = {}): Promise<WebSocket> {
    const { headers } = this.encode(options);
    const url = new URL(path, this.url.replace(/^http/, 'ws'));
    const socket = new WebSocket(url, options.protocols ?? [], { headers, ca: this.ca });
    collectMessages(socket);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return socket;
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private encode({ as, headers = {}, body }: CallOptions): {
    headers: Record<string, string | string[]>;
    body?: string | Buffer | Readable;
  } {
    const all: Record<string, string | string[]> = { ...headers };
    if (typeof as === 'string') all.authorization = `Bearer ${this.token(as)}`;
    else if (as) all.authorization = `Bearer ${this.token(as.subject, as)}`;
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body) || isStream(body)) {
      return { headers: all, body };
    }
    return { headers: { 'content-type': 'application/json', ...all }, body: JSON.stringify(body) };
  }
}

function isStream(body: object): body is Readable {
  return 'pipe' in body;
}

function parseIfJson(headers: Answer['headers'], text: string): Record<string, unknown> {
  const isJson = /^application\/(.*\+)?json/.test(String(headers['content-type'] ?? ''));
  return isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {};
}
