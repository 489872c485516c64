/**
 * What a kubeconfig, or the pod that this runs in, says of the API server. Files that it names are named here too and not
 * read: tokens and certificates are written anew while the program runs.
 */
import { accessSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { dirname, resolve } from 'node:path';

import { parse } from 'yaml';
import { z } from 'zod';

import { apiServerOfThisPod } from '../../config/environment.js';
import { StartFault } from '../../config/start-fault.js';

/** Something to know by heart or to look up each time. */
export type Source = { text: string } | { file: string };

export interface Cluster {
  /** Without a slash at its end. */
  server: string;
  ca?: Source;
  /** The name in its certificate, where that is not the one in `server`. */
  tlsServerName?: string;
  isAnyCertificateGood: boolean;
}

/** The program that hands out credentials: `exec` of a kubeconfig. */
export interface CredentialPlugin {
  apiVersion: string;
  command: string;
  args: string[];
  env: Record<string, string>;
  /** Whether it is told of the cluster. */
  wantsCluster: boolean;
}

export interface User {
  token?: Source;
  certificate?: Source;
  key?: Source;
  plugin?: CredentialPlugin;
}

export interface KubeAccess {
  cluster: Cluster;
  user: User;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** As a pod's service account. */
export function serviceAccount(): KubeAccess {
  const { host, port } = apiServerOfThisPod();
  const token = `${SERVICE_ACCOUNT}/token`;
  try {
    const server = new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`).origin;
    accessSync(token);
    const cluster = { server, ca: { file: `${SERVICE_ACCOUNT}/ca.crt` }, isAnyCertificateGood: false };
    return { cluster, user: { token: { file: token } } };
  } catch (error) {
    throw new StartFault(
      `There is no way to the Kubernetes API: no kubeconfig is named, and this is no pod with a service account ` +
        `(KUBERNETES_SERVICE_HOST and ${token} say where the API is).`,
      { cause: error },
    );
  }
}

/** What counts in its current context. */
export function readKubeconfig(path: string): KubeAccess {
  const file = new Kubeconfig(path);
  return { cluster: file.cluster(), user: file.user() };
}

const text = z.string().nullish();
const named = z.looseObject({ name: z.string() });
const fileSchema = z.looseObject({
  'current-context': text,
  contexts: z.array(named).nullish(),
  clusters: z.array(named).nullish(),
  users: z.array(named).nullish(),
});
const contextSchema = z.object({ context: z.object({ cluster: text, user: text }) });
const clusterSchema = z.object({
  cluster: z.object({
    server: text,
    'certificate-authority': text,
    'certificate-authority-data': text,
    'insecure-skip-tls-verify': z.boolean().nullish(),
    'tls-server-name': text,
    'proxy-url': text,
  }),
});
const pluginSchema = z.object({
  apiVersion: z.string(),
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  provideClusterInfo: z.boolean().nullish(),
});
const userSchema = z.object({
  user: z
    .looseObject({
      token: text,
      tokenFile: text,
      'client-certificate': text,
      'client-certificate-data': text,
      'client-key': text,
      'client-key-data': text,
      exec: pluginSchema.nullish(),
    })
    .nullish(),
});
/** What a kubeconfig may say of a user and Berth does not do. To pass over it would be to ask as somebody else. */
const UNKNOWN_WAYS = ['auth-provider', 'username', 'password', 'as', 'as-uid', 'as-groups', 'as-user-extra'];

class Kubeconfig {
  private readonly content: z.output<typeof fileSchema>;
  private readonly context: { cluster?: string | null; user?: string | null };

  constructor(private readonly path: string) {
    this.content = this.read();
    const context = find(this.content.contexts, this.content['current-context']);
    if (!context) throw this.fault('has no current context, or one without a cluster');
    this.context = this.parse(contextSchema, context).context;
  }

  cluster(): Cluster {
    const entry = find(this.content.clusters, this.context.cluster);
    if (!entry) throw this.fault('has no current context, or one without a cluster');
    const { cluster } = this.parse(clusterSchema, entry);
    const { server } = cluster;
    const isAnyCertificateGood = cluster['insecure-skip-tls-verify'] ?? false;
    if (!server || !URL.canParse(server)) throw this.fault('names no server that is a URL');
    if (cluster['proxy-url']) throw this.fault('has a proxy-url; Berth uses none');
    if (server.startsWith('http:') && !isAnyCertificateGood) {
      throw this.fault('names a server without TLS; that takes insecure-skip-tls-verify: true');
    }
    return {
      server: server.replace(/\/+$/, ''),
      ca: this.source(cluster['certificate-authority-data'], cluster['certificate-authority']),
      tlsServerName: cluster['tls-server-name'] || undefined,
      isAnyCertificateGood,
    };
  }

  user(): User {
    const entry = find(this.content.users, this.context.user);
    if (!entry) throw this.fault('names no user in its current context');
    const user = this.parse(userSchema, entry).user ?? {};
    const unknown = UNKNOWN_WAYS.find((way) => user[way] !== undefined);
    if (unknown !== undefined) {
      throw this.fault(`has a user with ${unknown}; Berth knows tokens, certificates and exec`);
    }
    return {
      token: user.tokenFile ? { file: this.resolve(user.tokenFile) } : known(user.token),
      certificate: this.source(user['client-certificate-data'], user['client-certificate']),
      key: this.source(user['client-key-data'], user['client-key']),
      plugin: user.exec ? this.plugin(user.exec) : undefined,
    };
  }

  private plugin({ apiVersion, command, args, env, provideClusterInfo }: z.output<typeof pluginSchema>) {
    return {
      apiVersion,
      // A name alone is looked for in PATH.
      command: command.includes('/') ? this.resolve(command) : command,
      args: args ?? [],
      env: Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
      wantsCluster: provideClusterInfo ?? false,
    };
  }

  private read(): z.output<typeof fileSchema> {
    try {
      return fileSchema.parse(parse(readFileSync(this.path, 'utf8')));
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      throw new StartFault(`The kubeconfig ${this.path} cannot be read: ${why}`, { cause: error });
    }
  }

  private parse<T>(schema: z.ZodType<T>, entry: { name: string }): T {
    const parsed = schema.safeParse(entry);
    if (parsed.success) return parsed.data;
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
    throw this.fault(`is wrong at ${path.join('.')} of ${entry.name}: ${message}`);
  }

  private source(data: string | null | undefined, file: string | null | undefined): Source | undefined {
    if (data) return { text: Buffer.from(data, 'base64').toString() };
    return file ? { file: this.resolve(file) } : undefined;
  }

  /** Paths are relative to the file that they stand in. */
  private resolve(path: string): string {
    return resolve(dirname(this.path), path);
  }

  private fault(what: string): StartFault {
    return new StartFault(`The kubeconfig ${this.path} ${what}.`);
  }
}

function find<T extends { name: string }>(entries: T[] | null | undefined, name: string | null | undefined) {
  return entries?.find((entry) => entry.name === name);
}

function known(token: string | null | undefined): Source | undefined {
  return token ? { text: token } : undefined;
}
