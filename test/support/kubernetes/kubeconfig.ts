import { readFileSync, writeFileSync } from 'node:fs';

import { parse, stringify } from 'yaml';

export type User = 'admin' | 'berth';

/** What the tests' own kubeconfigs say, and all that the tests' own client reads of one. */
export interface Access {
  server: string;
  certificateAuthorityFile: string;
  token: string;
  namespace?: string;
}

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority': string } }[];
  users: { user: { token: string } }[];
  contexts: { context: { namespace?: string } }[];
}

export function writeKubeconfig(path: string, user: User, access: Access): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: { server: access.server, 'certificate-authority': access.certificateAuthorityFile },
      },
    ],
    users: [{ name: user, user: { token: access.token } }],
    contexts: [
      {
        name: user,
        context: { cluster: 'test', user, ...(access.namespace && { namespace: access.namespace }) },
      },
    ],
    'current-context': user,
  };
  writeFileSync(path, stringify(config), { mode: 0o600 });
}

export function readKubeconfig(path: string): Access {
  const { clusters, users, contexts } = parse(readFileSync(path, 'utf8')) as Kubeconfig;
  const cluster = clusters[0]!.cluster;
  return {
    server: cluster.server,
    certificateAuthorityFile: cluster['certificate-authority'],
    token: users[0]!.user.token,
    namespace: contexts[0]!.context.namespace,
  };
}
