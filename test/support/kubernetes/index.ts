/** Kubernetes for the tests: a real control plane, namespaces of one's own, and a kubelet that plays the node. */
export { ApiClient, ApiRefusal, type Json } from './api-client.js';
export { ControlPlane } from './control-plane.js';
export { describeWithControlPlane, sharedControlPlane, startOwnControlPlane } from './shared-control-plane.js';
export { ownNamespace, type OwnNamespace, type OwnNamespaceOptions } from './own-namespace.js';
export type { AuditEvent } from './audit-log.js';
export { RunningControlPlane } from './running-control-plane.js';
export { startTestKubelet, TestKubelet, type KubeletPod, type TestKubeletOptions } from './test-kubelet.js';
export { crashLoop, silent, slow, stuckCreating, unschedulable, type Fate, type Which } from './fates.js';
export { ApiProxy, type ProxyMode } from './api-proxy.js';
export { PodsByHand, type ShownPod } from './pods-by-hand.js';
export { restrictedPod } from './pods.js';
