/**
 * Who this program is to the API server, and the connections that prove it. client-node makes a connection of its own
 * for every call; here all calls share one pool and all streams another, so that watches and followed logs never keep
 * a call waiting. The library reads certificates anew for each call: when they have changed, so do the pools.
 */
import { accessSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

import { type Cluster, type DispatcherOptions, KubeConfig, type RequestContext } from '@kubernetes/client-node';
import { Agent } from 'undici';

import { StartFault } from '../../config/start-fault.js';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 30_000;
const PROBE_IDLE_CONNECTION_MS = 15_000;

type Connect = Extract<DispatcherOptions, { type: 'agent' }>['connect'];

interface Pools {
  connect: Connect;
  calls: Agent;
  streams: Agent;
}

export class KubeCredentials extends KubeConfig {
  private pools?: Pools;

  constructor(private readonly connections: number) {
    super();
  }

  /** From the file's current context, or as a pod's service account when no file is named. */
  static load(kubeconfigPath: string | undefined, connections: number): KubeCredentials {
    const credentials = new KubeCredentials(connections);
    if (kubeconfigPath === undefined) credentials.loadServiceAccount();
    else credentials.loadKubeconfig(kubeconfigPath);
    return credentials;
  }

  get server(): string {
    return this.getCurrentCluster()!.server.replace(/\/+$/, '');
  }

  /** After `applySecurityAuthentication`. */
  get streams(): Agent {
    return this.pools!.streams;
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    context.setDispatcher(this.pools!.calls);
  }

  /** The library asks this for what it would build a new agent from, at each call. It gets none. */
  override createDispatcherOptions(...about: Parameters<KubeConfig['createDispatcherOptions']>): DispatcherOptions {
    const options = super.createDispatcherOptions(...about);
    this.use(options.type === 'agent' ? options.connect : {});
    return { type: 'none' };
  }

  async close(): Promise<void> {
    await Promise.all([this.pools?.calls.destroy(), this.pools?.streams.destroy()]);
  }

  private use(connect: Connect): void {
    if (this.pools && isDeepStrictEqual(this.pools.connect, connect)) return;
    void this.pools?.calls.close();
    void this.pools?.streams.close();
    const options = {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0, // deadlines are the callers'
      bodyTimeout: 0,
      connect: {
        ...connect,
        timeout: CONNECT_TIMEOUT_MS,
        keepAlive: true,
        keepAliveInitialDelay: PROBE_IDLE_CONNECTION_MS,
      },
    } as const;
    this.pools = {
      connect,
      calls: new Agent({ ...options, connections: this.connections }),
      streams: new Agent(options),
    };
  }

  private loadKubeconfig(path: string): void {
    try {
      this.loadFromFile(path);
    } catch (error) {
      throw new StartFault(`The kubeconfig ${path} cannot be read: ${(error as Error).message}`, { cause: error });
    }
    refuseUnfit(this.getCurrentCluster(), path);
    if (!this.getCurrentUser()) throw new StartFault(`The kubeconfig ${path} names no user in its current context.`);
  }

  private loadServiceAccount(): void {
    this.loadFromCluster();
    const provider = this.getCurrentUser()?.authProvider as { config: { tokenFile: string } };
    const token = provider.config.tokenFile;
    try {
      new URL(this.server);
      accessSync(token);
    } catch (error) {
      throw new StartFault(
        `There is no way to the Kubernetes API: no kubeconfig is named, and this is no pod with a service account ` +
          `(KUBERNETES_SERVICE_HOST and ${token} say where the API is).`,
        { cause: error },
      );
    }
  }
}

function refuseUnfit(cluster: Cluster | null, path: string): asserts cluster is Cluster {
  if (!cluster) throw new StartFault(`The kubeconfig ${path} has no current context, or one without a cluster.`);
  if (!URL.canParse(cluster.server)) throw new StartFault(`The kubeconfig ${path} names no server that is a URL.`);
  if (cluster.proxyUrl) throw new StartFault(`The kubeconfig ${path} has a proxy-url; Berth uses none.`);
  if (cluster.server.startsWith('http:') && !cluster.skipTLSVerify) {
    throw new StartFault(
      `The kubeconfig ${path} names a server without TLS; that takes insecure-skip-tls-verify: true.`,
    );
  }
}
