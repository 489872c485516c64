/**
 * Who this program is to the API server, and the connections that prove it: all calls share one pool and all streams
 * another, so that watches and followed logs never keep a call waiting. Certificates and tokens are read from their files
 * for each call, which is cheaper than it is to know that they changed; when certificates have, so do the pools.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

import { Agent } from 'undici';

import { type Credentials, PluginCredentials } from './credential-plugin.js';
import { type Cluster, type KubeAccess, readKubeconfig, serviceAccount, type Source, type User } from './kubeconfig.js';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 30_000;
const PROBE_IDLE_CONNECTION_MS = 15_000;

/** Both ends of TLS. */
interface Certificates {
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
  rejectUnauthorized: boolean;
}

export interface Pools {
  calls: Agent;
  streams: Agent;
}

/** What a call needs to be let in. */
export interface Pass {
  headers: Record<string, string>;
  pools: Pools;
}

export class KubeCredentials {
  private readonly cluster: Cluster;
  private readonly user: User;
  private readonly plugin?: PluginCredentials;
  private made?: { by: Certificates; pools: Pools };

  private constructor(
    { cluster, user }: KubeAccess,
    private readonly connections: number,
  ) {
    this.cluster = cluster;
    this.user = user;
    this.plugin = user.plugin && new PluginCredentials(user.plugin, () => aboutCluster(cluster));
  }

  /** From the file's current context, or as a pod's service account when no file is named. */
  static load(kubeconfigPath: string | undefined, connections: number): KubeCredentials {
    return new KubeCredentials(
      kubeconfigPath === undefined ? serviceAccount() : readKubeconfig(kubeconfigPath),
      connections,
    );
  }

  get server(): string {
    return this.cluster.server;
  }

  async pass(): Promise<Pass> {
    const { token, certificate, key } = await this.credentials();
    const pools = this.pools({
      ca: read(this.cluster.ca),
      cert: certificate,
      key,
      servername: this.cluster.tlsServerName,
      rejectUnauthorized: !this.cluster.isAnyCertificateGood,
    });
    return { headers: token === undefined ? {} : { authorization: `Bearer ${token}` }, pools };
  }

  /** The API server did not know who asks. */
  refused(): void {
    this.plugin?.forget();
  }

  async close(): Promise<void> {
    await Promise.all([this.made?.pools.calls.destroy(), this.made?.pools.streams.destroy()]);
  }

  private async credentials(): Promise<Credentials> {
    const { token, certificate, key } = this.user;
    const own = { token: read(token)?.trim(), certificate: read(certificate), key: read(key) };
    if (!this.plugin) return own;
    const handedOut = await this.plugin.current();
    return {
      token: own.token ?? handedOut.token,
      certificate: own.certificate ?? handedOut.certificate,
      key: own.key ?? handedOut.key,
    };
  }

  private pools(certificates: Certificates): Pools {
    if (this.made && isDeepStrictEqual(this.made.by, certificates)) return this.made.pools;
    void this.made?.pools.calls.close();
    void this.made?.pools.streams.close();
    const options = {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0, // deadlines are the callers'
      bodyTimeout: 0,
      connect: {
        ...certificates,
        timeout: CONNECT_TIMEOUT_MS,
        keepAlive: true,
        keepAliveInitialDelay: PROBE_IDLE_CONNECTION_MS,
      },
    } as const;
    const pools = { calls: new Agent({ ...options, connections: this.connections }), streams: new Agent(options) };
    this.made = { by: certificates, pools };
    return pools;
  }
}

/** As a plugin is told of it. */
function aboutCluster({ server, ca, tlsServerName, isAnyCertificateGood }: Cluster): object {
  const certificate = read(ca);
  return {
    server,
    'certificate-authority-data': certificate && Buffer.from(certificate).toString('base64'),
    'tls-server-name': tlsServerName,
    'insecure-skip-tls-verify': isAnyCertificateGood,
  };
}

function read(source: Source | undefined): string | undefined {
  if (!source) return undefined;
  return 'text' in source ? source.text : readFileSync(source.file, 'utf8');
}
