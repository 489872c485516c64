import { Global, Module } from '@nestjs/common';

import { SETTINGS } from '../../config/config.module.js';
import type { Settings } from '../../config/settings.schema.js';
import type { KubernetesClient } from './kubernetes-client.js';

/** The way to the cluster; undefined where pods run elsewhere. */
export const KUBERNETES = Symbol('KUBERNETES');

async function loadClient({
  RUNTIME,
  KUBECONFIG,
  KUBERNETES_NAMESPACE,
}: Settings): Promise<KubernetesClient | undefined> {
  if (RUNTIME !== 'kubernetes') return undefined;
  const { KubernetesClient } = await import('./kubernetes-client.js');
  return KubernetesClient.load({ kubeconfigPath: KUBECONFIG, namespace: KUBERNETES_NAMESPACE });
}

@Global()
@Module({
  providers: [{ provide: KUBERNETES, inject: [SETTINGS], useFactory: loadClient }],
  exports: [KUBERNETES],
})
export class KubernetesModule {}
