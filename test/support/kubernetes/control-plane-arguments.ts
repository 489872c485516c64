import type { ControlPlaneFolder } from './control-plane-folder.js';

/** etcd on a socket in its folder: no port, so nobody else can have it. It keeps nothing that must survive the machine. */
export function etcdArguments(): string[] {
  return [
    '--name=etcd',
    '--data-dir=etcd-data',
    '--listen-client-urls=unix://etcd:0',
    '--advertise-client-urls=unix://etcd:0',
    '--listen-peer-urls=unix://peer:0',
    '--initial-advertise-peer-urls=unix://peer:0',
    '--initial-cluster=etcd=unix://peer:0',
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

/**
 * ServiceAccount admission is off, because no controller makes the service account that every pod would need;
 * TaintNodesByCondition is off, because nothing would take the taint away from a node that has come up.
 */
export function apiServerArguments(folder: ControlPlaneFolder, port: number): string[] {
  return [
    `--etcd-servers=unix://${folder.etcdSocket}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${folder.certificates}`,
    `--token-auth-file=${folder.tokens}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-signing-key-file=${folder.serviceAccountKey}`,
    `--service-account-key-file=${folder.serviceAccountKey}`,
    '--service-cluster-ip-range=10.96.0.0/24',
    '--enable-admission-plugins=ResourceQuota,LimitRanger,PodSecurity',
    '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
    '--kubelet-preferred-address-types=InternalIP',
    '--endpoint-reconciler-type=none',
    '--profiling=false',
    `--audit-policy-file=${folder.auditPolicy}`,
    `--audit-log-path=${folder.auditLog}`,
    '--audit-log-maxsize=0',
  ];
}

export const QUOTA_AND_GARBAGE = ['resourcequota-controller', 'garbage-collector-controller'];

export function controllerManagerArguments(kubeconfig: string, controllers: readonly string[]): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${controllers.join(',')}`,
    '--leader-elect=false',
    '--secure-port=0',
  ];
}
