import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

import { ApiClient } from './api-client.js';
import type { RunningControlPlane } from './running-control-plane.js';
import { sharedControlPlane } from './shared-control-plane.js';

/** The chart gives Berth the same rules. */
const RULES = join(process.cwd(), 'helm/berth/rbac-rules.yaml');
const RBAC = { apiGroup: 'rbac.authorization.k8s.io', version: 'rbac.authorization.k8s.io/v1' };

export interface OwnNamespace {
  name: string;
  controlPlane: RunningControlPlane;
  adminKubeconfig: string;
  /** A user who may do there what the chart lets Berth do, and nothing else. */
  berthKubeconfig: string;
  remove(): Promise<void>;
}

export interface OwnNamespaceOptions {
  prefix?: string;
  controlPlane?: RunningControlPlane;
  /** The Pod Security level that the API server holds its pods to. */
  podSecurity?: 'restricted' | 'baseline' | 'privileged';
}

/** A namespace of one's own, in which every pod has to be a restricted one unless told otherwise. */
export async function ownNamespace(options: OwnNamespaceOptions = {}): Promise<OwnNamespace> {
  const controlPlane = options.controlPlane ?? sharedControlPlane();
  const name = `${options.prefix ?? 'test'}-${randomBytes(5).toString('hex')}`;
  const adminKubeconfig = controlPlane.kubeconfig('admin', { namespace: name });
  const admin = new ApiClient(adminKubeconfig);
  await makeNamespace(admin, name, options.podSecurity ?? 'restricted');
  await letBerthIn(admin, name);
  return {
    name,
    controlPlane,
    adminKubeconfig,
    berthKubeconfig: controlPlane.kubeconfig('berth', { namespace: name }),
    remove: async () => {
      await removeNamespace(admin, name);
      await admin.close();
    },
  };
}

async function makeNamespace(admin: ApiClient, name: string, podSecurity: string): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': podSecurity };
  await admin.call('/api/v1/namespaces', { method: 'POST', body: { metadata: { name, labels } } });
}

async function letBerthIn(admin: ApiClient, namespace: string): Promise<void> {
  const path = `/apis/${RBAC.version}/namespaces/${namespace}`;
  const metadata = { name: 'berth' };
  const rules = parse(readFileSync(RULES, 'utf8')) as object[];
  await admin.call(`${path}/roles`, { method: 'POST', body: { metadata, rules } });
  const roleRef = { apiGroup: RBAC.apiGroup, kind: 'Role', name: 'berth' };
  const subjects = [{ apiGroup: RBAC.apiGroup, kind: 'User', name: 'berth' }];
  await admin.call(`${path}/rolebindings`, { method: 'POST', body: { metadata, roleRef, subjects } });
}

/** Does what the controllers would do, of which there may be none: empties the namespace and lets it go. */
async function removeNamespace(admin: ApiClient, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${name}`;
  await admin.call(`${path}/pods?gracePeriodSeconds=0`, { method: 'DELETE' });
  await admin.call(`/apis/coordination.k8s.io/v1/namespaces/${name}/leases`, { method: 'DELETE' });
  await admin.call(`${path}/events`, { method: 'DELETE' });
  await admin.call(`/apis/${RBAC.version}/namespaces/${name}/rolebindings`, { method: 'DELETE' });
  await admin.call(`/apis/${RBAC.version}/namespaces/${name}/roles`, { method: 'DELETE' });
  await admin.call(path, { method: 'DELETE' });
  await admin.call(`${path}/finalize`, { method: 'PUT', body: { metadata: { name }, spec: { finalizers: [] } } });
}
