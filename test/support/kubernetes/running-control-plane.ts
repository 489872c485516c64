import { join } from 'node:path';

import { type AuditEvent, AuditLog } from './audit-log.js';
import { controlPlaneFolder, TOKENS } from './control-plane-folder.js';
import { writeKubeconfig, type User } from './kubeconfig.js';

/** All that another process has to know to use a control plane. */
export interface ControlPlaneAddress {
  folder: string;
  url: string;
  assets: string;
}

/** Set by the global set-up, once the control plane of this run is ready; inherited by the workers. */
export const ADDRESS_VARIABLE = 'BERTH_TEST_CONTROL_PLANE';

let kubeconfigs = 0;

/** A control plane that somebody started, to be used but not to be stopped or disturbed. */
export class RunningControlPlane {
  private readonly logs = new Map<string, AuditLog>();

  constructor(readonly address: ControlPlaneAddress) {}

  get url(): string {
    return this.address.url;
  }

  /** Its own, self-signed: clients trust it as their authority, and servers of the tests may show it too. */
  get certificate(): { certFile: string; keyFile: string } {
    const { certificates } = controlPlaneFolder(this.address.folder);
    return { certFile: join(certificates, 'apiserver.crt'), keyFile: join(certificates, 'apiserver.key') };
  }

  /** `server`: another way to it, such as a proxy's address on 127.0.0.1. */
  kubeconfig(user: User, options: { namespace?: string; server?: string } = {}): string {
    const name = `${user}-${process.pid}-${++kubeconfigs}.kubeconfig`;
    const path = join(this.address.folder, name);
    const server = options.server ?? this.url;
    writeKubeconfig(path, user, {
      server: server.includes('://') ? server : `https://${server}`,
      certificateAuthorityFile: this.certificate.certFile,
      token: TOKENS[user],
      namespace: options.namespace,
    });
    return path;
  }

  /** What Berth has written to pods and leases of a namespace, in order of the answers; known a moment after the answer. */
  auditEvents(namespace: string): AuditEvent[] {
    const log = this.logs.get(namespace) ?? new AuditLog(controlPlaneFolder(this.address.folder).auditLog, namespace);
    this.logs.set(namespace, log);
    return log.soFar();
  }
}
