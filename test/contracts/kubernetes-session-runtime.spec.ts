import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { kubernetesHarness } from './session-runtime/kubernetes-harness.js';
import { sessionRuntimeContract } from './session-runtime.contract.js';

describeWithControlPlane('with a control plane', () => {
  sessionRuntimeContract('KubernetesSessionRuntime', kubernetesHarness);
});
