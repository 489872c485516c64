/** The way to the Kubernetes API: JSON there and back, as it stands. */
import { type Dispatcher, request } from 'undici';

import { KubeCredentials, type Pass, type Pools } from './kube-credentials.js';
import { asKubernetesError, fromAnswer, KubernetesError } from './kubernetes-errors.js';

const DEADLINE_MS = 10_000;
const CONNECTIONS = 16;
const USER_AGENT = 'berth';
const CONTENT_TYPES = {
  POST: 'application/json',
  PUT: 'application/json',
  PATCH: 'application/merge-patch+json',
  DELETE: 'application/json',
};

export interface KubernetesOptions {
  /** The file whose current context counts; without one, the service account of the pod that this runs in. */
  kubeconfigPath?: string;
  namespace: string;
  /** For each call, from its beginning to the last byte of the answer. */
  deadlineMs?: number;
  /** How many calls may be on their way at once; streams have connections of their own. */
  connections?: number;
}

export type Query = Record<string, string | number | boolean | undefined>;

export interface Change {
  method: keyof typeof CONTENT_TYPES;
  body: object;
}

interface Asking {
  pass: Promise<Pass>;
  pool: keyof Pools;
  signal: AbortSignal;
  change?: Change;
}

export class KubernetesClient {
  private constructor(
    private readonly credentials: KubeCredentials,
    readonly namespace: string,
    private readonly deadlineMs: number,
  ) {}

  /** Throws a StartFault that says what is missing. Asks the API server nothing yet. */
  static load({ kubeconfigPath, namespace, deadlineMs, connections }: KubernetesOptions): KubernetesClient {
    const credentials = KubeCredentials.load(kubeconfigPath, connections ?? CONNECTIONS);
    return new KubernetesClient(credentials, namespace, deadlineMs ?? DEADLINE_MS);
  }

  get server(): string {
    return this.credentials.server;
  }

  /** For who cannot wait as long as the others: the same connections. */
  within(deadlineMs: number): Pick<KubernetesClient, 'read' | 'write'> {
    return new KubernetesClient(this.credentials, this.namespace, deadlineMs);
  }

  /** GET. */
  read<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.json(path, query, signal);
  }

  write<T>(path: string, change: Change, query: Query = {}): Promise<T> {
    return this.json(path, query, undefined, change);
  }

  /**
   * GET of an answer that goes on: a watch or a log. It has no deadline at all, neither for its head nor for its body
   * (a followed log may say nothing for hours): the signal ends it. What breaks later is thrown by the iteration.
   */
  async raw(path: string, query: Query, signal: AbortSignal): Promise<Dispatcher.ResponseData['body']> {
    try {
      const asking = this.ask(path, query, { pass: this.pass(), pool: 'streams', signal });
      const { statusCode, headers, body } = await abortable(asking, signal);
      if (statusCode === 200) return body;
      body.on('error', () => undefined);
      const deadline = setTimeout(() => body.destroy(new Error('the answer did not end')), this.deadlineMs).unref();
      const text = await body.text().finally(() => clearTimeout(deadline));
      throw fromAnswer(statusCode, text, headers);
    } catch (error) {
      throw asKubernetesError(error);
    }
  }

  /** Cuts what is still open. */
  async close(): Promise<void> {
    await this.credentials.close();
  }

  private async json<T>(path: string, query: Query, signal?: AbortSignal, change?: Change): Promise<T> {
    try {
      // Its own deadline begins a moment earlier: when both are missed, it is told that credentials are what was missing.
      const pass = this.pass();
      const deadline = AbortSignal.timeout(this.deadlineMs);
      const ends = signal ? AbortSignal.any([deadline, signal]) : deadline;
      const asking = this.ask(path, query, { pass, pool: 'calls', signal: ends, change });
      const { statusCode, headers, body } = await abortable(asking, ends);
      const text = await body.text();
      if (statusCode < 200 || statusCode > 299) throw fromAnswer(statusCode, text, headers);
      return JSON.parse(text) as T;
    } catch (error) {
      throw asKubernetesError(error);
    }
  }

  private async ask(path: string, query: Query, asking: Asking): Promise<Dispatcher.ResponseData> {
    const { pool, signal, change } = asking;
    const url = new URL(this.server + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
    }
    const pass = await asking.pass;
    signal.throwIfAborted();
    const headers: Record<string, string> = {
      accept: 'application/json, */*',
      'user-agent': USER_AGENT,
      ...pass.headers,
    };
    if (change) headers['content-type'] = CONTENT_TYPES[change.method];
    const answer = await request(url, {
      method: change?.method ?? 'GET',
      body: change && JSON.stringify(change.body),
      headers,
      signal,
      dispatcher: pass.pools[pool],
    });
    if (answer.statusCode === 401) this.credentials.refused();
    return answer;
  }

  /** A plugin that hands out credentials may hang. */
  private async pass(): Promise<Pass> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new KubernetesError(`There were no credentials within ${this.deadlineMs} ms.`)),
        this.deadlineMs,
      ).unref();
    });
    try {
      return await Promise.race([this.credentials.pass(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** undici hears the signal of a request only once it is connected. */
function abortable<T>(asking: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    void asking.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
