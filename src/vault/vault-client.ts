/**
 * node-vault, with another transport: its own has no deadline, makes connections of its own for every call and goes by the
 * environment's proxies, to which the token would be shown. What it would take from the environment (token, namespace,
 * leave to skip the check of certificates, a log of all it sends) it gets from here instead.
 */
import nodeVault from 'node-vault';
import { Agent, type Dispatcher, request } from 'undici';

import { refusalOf, VaultError } from './vault-error.js';

export interface VaultAddress {
  url: string;
  namespace?: string;
  /** PEM of the authorities that may sign for it; else those that Node trusts. */
  ca?: string;
  answerWithinMs: number;
}

export interface VaultAnswer {
  auth?: { client_token: string; lease_duration: number; renewable: boolean } | null;
  data?: Record<string, unknown> | null;
}

export interface VaultAsk {
  /** Words between slashes. */
  path: string;
  token?: string;
  /** Absent: it is only read. */
  body?: Record<string, unknown>;
}

const CONNECTIONS = 4;
const MOST_REDIRECTS = 2;
const REDIRECTS = new Set([301, 302, 307, 308]);

type Asked = Exclude<Parameters<typeof request>[1], undefined>;
type Transported = { uri: string; method: Dispatcher.HttpMethod; headers: Record<string, string>; json?: unknown };

export class VaultClient {
  private readonly agent: Agent;
  private readonly client: nodeVault.client;

  constructor(private readonly address: VaultAddress) {
    const { url, ca, answerWithinMs } = address;
    const connect = { timeout: answerWithinMs, ...(ca === undefined ? {} : { ca }) };
    this.agent = new Agent({ connections: CONNECTIONS, allowH2: false, connect });
    const silence = (): void => undefined;
    const transport = { defaults: () => this.transport };
    this.client = nodeVault({ endpoint: url, debug: silence, 'request-promise': transport });
    Object.assign(this.client, { token: '', namespace: address.namespace ?? '', pathPrefix: '' });
  }

  async ask({ path, token, body }: VaultAsk): Promise<VaultAnswer> {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    const options = { headers: token === undefined ? {} : { 'X-Vault-Token': token } };
    const asked = body ? this.client.write(encoded, body, options) : this.client.read(encoded, options);
    try {
      return ((await asked) ?? {}) as VaultAnswer;
    } catch (error) {
      throw this.translated(error, path, [token ?? '', ...textsOf(body)]);
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private readonly transport = async ({ uri, method, headers, json }: Transported) => {
    const { answerWithinMs } = this.address;
    const isWritten = typeof json === 'object' && json !== null;
    const answer = await this.followed(new URL(uri), {
      dispatcher: this.agent,
      method,
      headers: { ...headers, 'x-vault-request': 'true', ...(isWritten ? { 'content-type': 'application/json' } : {}) },
      body: isWritten ? JSON.stringify(json) : undefined,
      signal: AbortSignal.timeout(answerWithinMs),
    });
    const text = await answer.body.text();
    return { statusCode: answer.statusCode, body: parsed(text), request: { path: new URL(uri).pathname } };
  };

  /** A standby sends to the active one. Never from TLS to plain HTTP: the token would be read on the way. */
  private async followed(to: URL, asked: Asked, redirects = 0): ReturnType<typeof request> {
    const answer = await request(to, asked);
    const { location } = answer.headers;
    if (!REDIRECTS.has(answer.statusCode) || typeof location !== 'string') return answer;
    await answer.body.dump();
    const next = new URL(location, to);
    if (redirects >= MOST_REDIRECTS || (to.protocol === 'https:' && next.protocol !== 'https:'))
      throw Object.assign(new Error('a redirect that is not followed'), { code: 'REDIRECT_REFUSED' });
    return this.followed(next, asked, redirects + 1);
  }

  private translated(error: unknown, path: string, secrets: readonly string[]): VaultError {
    const { response, name, code, cause } = error as {
      response?: { statusCode: number; body?: unknown };
      name?: string;
      code?: string;
      cause?: { code?: string };
    };
    if (response) return refusalOf(response, path, secrets);
    const isLate = name === 'TimeoutError' || name === 'AbortError';
    const why = isLate
      ? `no answer within ${this.address.answerWithinMs} ms`
      : (code ?? cause?.code ?? name ?? 'Error');
    return new VaultError('away', `Vault does not answer (${why})`);
  }
}

function parsed(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's page, or no Vault at all.
    return { errors: ['the answer is no JSON'] };
  }
}

function textsOf(body: Record<string, unknown> = {}): string[] {
  return Object.values(body).filter((value) => typeof value === 'string' && value.length >= 16) as string[];
}
