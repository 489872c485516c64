import { writeFileSync } from 'node:fs';

import { ApiClient, type OwnNamespace } from '../kubernetes/index.js';
import type { Environment } from '../launched.js';
import { temporaryPath } from '../templates-file.js';
import { configure, settingsFor } from './configured.js';
import type { VaultServer } from './vault-server.js';

const AUDIENCE = 'vault.test';
const RBAC = 'rbac.authorization.k8s.io';

/** Berth's service account logs in, as the project's script sets it up: Vault asks a real API server whose token it is. */
export class ClusterLogin {
  readonly jwtPath = temporaryPath('vault-token');

  private constructor(
    private readonly vault: VaultServer,
    private readonly api: ApiClient,
    private readonly own: OwnNamespace,
  ) {}

  static async setUp(
    vault: VaultServer,
    own: OwnNamespace,
    settings: Record<string, string> = {},
  ): Promise<ClusterLogin> {
    const login = new ClusterLogin(vault, new ApiClient(own.adminKubeconfig), own);
    for (const name of ['berth', 'vault', 'other']) await login.makeAccount(name);
    await login.letVaultReview();
    const reviewer = temporaryPath('reviewer-token');
    writeFileSync(reviewer, await login.tokenOf('vault'));
    await login.showTokenOf('berth');
    await configure(vault, {
      KUBERNETES_HOST: own.controlPlane.url,
      KUBERNETES_CA_FILE: own.controlPlane.certificate.certFile,
      TOKEN_REVIEWER_JWT_FILE: reviewer,
      BERTH_NAMESPACE: own.name,
      BERTH_AUDIENCE: AUDIENCE,
      ...settings,
    });
    return login;
  }

  get settings(): Environment {
    const at = { VAULT_ROLE: 'berth', VAULT_JWT_PATH: this.jwtPath };
    return { ...settingsFor(this.vault, ''), VAULT_TOKEN: undefined, ...at };
  }

  /** As the kubelet does before the former one ends. */
  async showTokenOf(account: string): Promise<string> {
    const token = await this.tokenOf(account, [AUDIENCE]);
    writeFileSync(this.jwtPath, `${token}\n`);
    return token;
  }

  async remove(): Promise<void> {
    const path = `/apis/${RBAC}/v1/clusterrolebindings/vault-of-${this.own.name}`;
    await this.api.call(path, { method: 'DELETE' });
    await this.api.close();
  }

  private async makeAccount(name: string): Promise<void> {
    const path = `/api/v1/namespaces/${this.own.name}/serviceaccounts`;
    await this.api.call(path, { method: 'POST', body: { metadata: { name } } });
  }

  private async tokenOf(account: string, audiences?: string[]): Promise<string> {
    const path = `/api/v1/namespaces/${this.own.name}/serviceaccounts/${account}/token`;
    const body = { spec: { audiences, expirationSeconds: 3_600 } };
    const { status } = await this.api.call<{ status: { token: string } }>(path, { method: 'POST', body });
    return status.token;
  }

  private async letVaultReview(): Promise<void> {
    const subjects = [{ kind: 'ServiceAccount', name: 'vault', namespace: this.own.name }];
    const roleRef = { apiGroup: RBAC, kind: 'ClusterRole', name: 'system:auth-delegator' };
    const body = { metadata: { name: `vault-of-${this.own.name}` }, roleRef, subjects };
    await this.api.call(`/apis/${RBAC}/v1/clusterrolebindings`, { method: 'POST', body });
  }
}
