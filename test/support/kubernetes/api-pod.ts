/** What the test kubelet reads of a pod, as it comes over the wire. */
export interface ApiPod {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
  };
  spec: {
    nodeName?: string;
    restartPolicy: 'Always' | 'OnFailure' | 'Never';
    containers: ApiContainer[];
  };
  status: { phase?: string };
}

export interface ApiContainer {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[];
  ports?: { name?: string; containerPort: number }[];
  startupProbe?: ApiProbe;
  readinessProbe?: ApiProbe;
  terminationMessagePolicy?: string;
}

export interface ApiProbe {
  httpGet?: { path?: string; port: number | string; httpHeaders?: { name: string; value: string }[] };
  periodSeconds?: number;
  timeoutSeconds?: number;
  failureThreshold?: number;
}

export function podPath(pod: ApiPod): string {
  return `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
}

/** The kubelet of the tests plays pods of one container. */
export function onlyContainer(pod: ApiPod): ApiContainer {
  return pod.spec.containers[0]!;
}

/** As Kubernetes writes times: to the second. */
export function apiTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
