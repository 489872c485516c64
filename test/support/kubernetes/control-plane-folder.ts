import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { User } from './kubeconfig.js';

/** Where one control plane keeps its keys, its data and what it says. Paths of sockets have to stay short. */
export interface ControlPlaneFolder {
  path: string;
  etcdSocket: string;
  certificates: string;
  tokens: string;
  serviceAccountKey: string;
  auditPolicy: string;
  auditLog: string;
}

export function controlPlaneFolder(path: string): ControlPlaneFolder {
  return {
    path,
    etcdSocket: join(path, 'etcd:0'),
    certificates: join(path, 'certificates'),
    tokens: join(path, 'tokens.csv'),
    serviceAccountKey: join(path, 'service-account.key'),
    auditPolicy: join(path, 'audit-policy.json'),
    auditLog: join(path, 'audit.log'),
  };
}

export const TOKENS: Record<User, string> = { admin: 'token-of-admin', berth: 'token-of-berth' };

/** What Berth writes to pods and leases, once answered; nothing of their contents. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'Metadata',
      users: ['berth'],
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
      resources: [
        { group: '', resources: ['pods', 'pods/*'] },
        { group: 'coordination.k8s.io', resources: ['leases'] },
      ],
    },
    { level: 'None' },
  ],
};

export function makeControlPlaneFolder(): ControlPlaneFolder {
  const folder = controlPlaneFolder(mkdtempSync(join(tmpdir(), 'berth-control-plane-')));
  mkdirSync(folder.certificates);
  const users = [`${TOKENS.admin},admin,admin,"system:masters"`, `${TOKENS.berth},berth,berth`];
  writeFileSync(folder.tokens, `${users.join('\n')}\n`, { mode: 0o600 });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(folder.serviceAccountKey, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  writeFileSync(folder.auditPolicy, JSON.stringify(AUDIT_POLICY));
  writeFileSync(folder.auditLog, '');
  return folder;
}
