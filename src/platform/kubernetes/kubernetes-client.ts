/** The way to the Kubernetes API. Loaded by dynamic import alone: the library behind it costs half a second and 80 MB. */
import {
  type Configuration,
  CoordinationV1Api,
  CoreV1Api,
  createConfiguration,
  HttpMethod,
  RequestContext,
  ServerConfiguration,
} from '@kubernetes/client-node';
import { type Dispatcher, request } from 'undici';

import { KubeCredentials } from './kube-credentials.js';
import { asKubernetesError, fromAnswer, KubernetesError } from './kubernetes-errors.js';

const DEADLINE_MS = 10_000;
const CONNECTIONS = 16;
const USER_AGENT = 'berth';

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
  /** PATCH is a merge patch. */
  method: 'POST' | 'PATCH' | 'DELETE';
  body: object;
}

interface Asking {
  signal: AbortSignal;
  pool: 'calls' | 'streams';
  change?: Change;
}

export class KubernetesClient {
  readonly core: CoreV1Api;
  readonly coordination: CoordinationV1Api;

  private constructor(
    private readonly credentials: KubeCredentials,
    readonly namespace: string,
    private readonly deadlineMs: number,
  ) {
    this.core = this.api(CoreV1Api);
    this.coordination = this.api(CoordinationV1Api);
  }

  /** Throws a StartFault that says what is missing. Asks the API server nothing yet. */
  static load({ kubeconfigPath, namespace, deadlineMs, connections }: KubernetesOptions): KubernetesClient {
    const credentials = KubeCredentials.load(kubeconfigPath, connections ?? CONNECTIONS);
    return new KubernetesClient(credentials, namespace, deadlineMs ?? DEADLINE_MS);
  }

  get server(): string {
    return this.credentials.server;
  }

  /** For who cannot wait as long as the others. */
  coordinationWithin(deadlineMs: number): CoordinationV1Api {
    return this.api(CoordinationV1Api, deadlineMs);
  }

  /** GET of JSON as the server wrote it: fields the library does not know are there, and times are strings. */
  read<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.json(path, query, signal);
  }

  /** A change written as it stands: of what the library does not know its own calls drop every field, without a word. */
  write<T>(path: string, change: Change, query: Query = {}): Promise<T> {
    return this.json(path, query, undefined, change);
  }

  /**
   * GET of an answer that goes on: a watch or a log. It has no deadline at all, neither for its head nor for its body
   * (a followed log may say nothing for hours): the signal ends it. What breaks later is thrown by the iteration.
   */
  async raw(path: string, query: Query, signal: AbortSignal): Promise<Dispatcher.ResponseData['body']> {
    try {
      const { statusCode, headers, body } = await abortable(this.ask(path, query, { signal, pool: 'streams' }), signal);
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

  /** The library's calls for one API group. What they throw is for `asKubernetesError`. */
  private api<T>(group: new (configuration: Configuration) => T, deadlineMs = this.deadlineMs): T {
    return new group(
      createConfiguration({
        baseServer: new ServerConfiguration(this.server, {}),
        authMethods: {
          default: {
            getName: () => this.credentials.getName(),
            applySecurityAuthentication: (context) => this.authenticate(context, deadlineMs),
          },
        },
        promiseMiddleware: [
          {
            pre: (context) => {
              context.setHeaderParam('User-Agent', USER_AGENT);
              context.setSignal(AbortSignal.timeout(deadlineMs));
              return Promise.resolve(context);
            },
            post: (context) => Promise.resolve(context),
          },
        ],
      }),
    );
  }

  private async json<T>(path: string, query: Query, signal?: AbortSignal, change?: Change): Promise<T> {
    try {
      const deadline = AbortSignal.timeout(this.deadlineMs);
      const ends = signal ? AbortSignal.any([deadline, signal]) : deadline;
      const asking = this.ask(path, query, { signal: ends, pool: 'calls', change });
      const { statusCode, headers, body } = await abortable(asking, ends);
      const text = await body.text();
      if (statusCode < 200 || statusCode > 299) throw fromAnswer(statusCode, text, headers);
      return JSON.parse(text) as T;
    } catch (error) {
      throw asKubernetesError(error);
    }
  }

  private async ask(path: string, query: Query, { signal, pool, change }: Asking): Promise<Dispatcher.ResponseData> {
    const url = new URL(this.server + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
    }
    const context = new RequestContext(url.href, HttpMethod.GET);
    await this.authenticate(context, this.deadlineMs);
    signal.throwIfAborted();
    const headers = { accept: 'application/json, */*', 'user-agent': USER_AGENT, ...context.getHeaders() };
    const dispatcher = pool === 'streams' ? this.credentials.streams : context.getDispatcher();
    if (!change) return request(url, { headers, signal, dispatcher });
    const { method, body } = change;
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const written = { method, body: JSON.stringify(body), headers: { ...headers, 'content-type': type } };
    return request(url, { ...written, signal, dispatcher });
  }

  /** A plugin that hands out credentials may hang. */
  private async authenticate(context: RequestContext, deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new KubernetesError(`There were no credentials within ${deadlineMs} ms.`)),
        deadlineMs,
      ).unref();
    });
    try {
      await Promise.race([this.credentials.applySecurityAuthentication(context), late]);
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
