import { readFileSync } from 'node:fs';

import { Agent, request } from 'undici';

import { readKubeconfig } from './kubeconfig.js';

/** From the moment a call is sent: it may have to wait for its turn before. */
const DEADLINE_MS = 10_000;
/** Thousands of pods have something to say at once; followed logs and watches hold one each. */
const CONNECTIONS = 64;
const CONNECT_DEADLINE_MS = 3_000;

export type Json = Record<string, unknown>;

/** What the API server said instead of doing it; `body` is its Status. */
export class ApiRefusal extends Error {
  constructor(
    readonly status: number,
    readonly body: Json,
  ) {
    super(`${status}: ${typeof body.message === 'string' ? body.message : JSON.stringify(body)}`);
    this.name = 'ApiRefusal';
  }
}

export interface ApiCall {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: object;
  contentType?: string;
  signal?: AbortSignal;
}

/** The tests' own way to the API server, so that what they expect does not come from the product's client. */
export class ApiClient {
  readonly server: string;
  private readonly headers: Record<string, string>;
  private readonly agent: Agent;

  constructor(kubeconfig: string) {
    const access = readKubeconfig(kubeconfig);
    this.server = access.server;
    this.headers = { authorization: `Bearer ${access.token}`, accept: 'application/json' };
    this.agent = new Agent({
      connect: { ca: readFileSync(access.certificateAuthorityFile, 'utf8'), timeout: CONNECT_DEADLINE_MS },
      connections: CONNECTIONS,
      allowH2: false,
    });
  }

  async call<T = Json>(path: string, call: ApiCall = {}): Promise<T> {
    return JSON.parse(await this.text(path, call)) as T;
  }

  async text(path: string, call: ApiCall = {}): Promise<string> {
    return (await this.open(path, call)).text();
  }

  /** The body as it comes, for watches and logs that are followed. */
  async stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    return this.open(path, { signal }, 0);
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private async open(path: string, call: ApiCall, bodyTimeout = DEADLINE_MS) {
    const type = call.contentType ?? 'application/json';
    const answer = request(`${this.server}${path}`, {
      dispatcher: this.agent,
      method: call.method ?? 'GET',
      headers: call.body ? { ...this.headers, 'content-type': type } : this.headers,
      body: call.body ? JSON.stringify(call.body) : undefined,
      signal: call.signal,
      headersTimeout: DEADLINE_MS,
      bodyTimeout,
    });
    const { statusCode, body } = await orAborted(answer, call.signal);
    if (statusCode >= 200 && statusCode < 300) return body;
    throw new ApiRefusal(statusCode, statusOf(await body.text()));
  }
}

/** undici looks at the signal only once it is connected, which a frozen server puts off. */
function orAborted<T>(answer: Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal!.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
    answer.then(resolve, reject).finally(() => signal?.removeEventListener('abort', abort));
  });
}

function statusOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return { message: text };
  }
}
