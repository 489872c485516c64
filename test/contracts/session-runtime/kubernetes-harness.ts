import type { PodSettings } from '../../../src/lifecycle/runtime/kubernetes/pod-spec.js';
import type { Logger } from '../../../src/platform/logger.js';
import {
  ApiClient,
  ownNamespace,
  startTestKubelet,
  type OwnNamespace,
  type TestKubelet,
  type TestKubeletOptions,
} from '../../support/kubernetes/index.js';
import { kubernetesRuntime } from '../../support/kubernetes-runtime.js';
import { ask, plainTemplate } from '../../support/process-runtime.js';
import type { RuntimeHarness } from './harness.js';

const LAST_WORDS = ['sh', '-c', 'echo first words; echo last words >&2; exit 7'];

const templates: RuntimeHarness['templates'] = {
  serving: plainTemplate([], { hash: 'serving' }),
  silent: plainTemplate([], { name: 'silent', hash: 'silent', command: ['sleep', '600'] }),
  crashing: plainTemplate([], { name: 'crashing', hash: 'crashing', command: LAST_WORDS }),
};

export interface KubernetesHarness extends RuntimeHarness {
  own: OwnNamespace;
  kubelet: TestKubelet;
  /** What a person with all rights does by hand. */
  admin: ApiClient;
  podsPath: string;
}

export interface HarnessOptions {
  kubelet?: TestKubeletOptions;
  settings?: Partial<PodSettings>;
  logger?: Logger;
}

/** A runtime with Berth's rights in a namespace of its own, and a kubelet that plays the only node. */
export async function kubernetesHarness(options: HarnessOptions = {}): Promise<KubernetesHarness> {
  const own = await ownNamespace({ prefix: 'runtime' });
  const kubelet = await startTestKubelet(own, { longestGraceMs: 300, ...options.kubelet });
  const admin = new ApiClient(own.adminKubeconfig);
  const berth = kubernetesRuntime(own, options);
  return {
    own,
    kubelet,
    admin,
    podsPath: `/api/v1/namespaces/${own.name}/pods`,
    runtime: berth.runtime,
    templates,
    crash: (pod) => Promise.resolve(kubelet.kill(pod.name)),
    print: async (pod, line) => void (await ask(pod, `/print?${encodeURIComponent(line)}`)),
    answers: (pod) =>
      ask(pod, '/health').then(
        (response) => response.ok,
        () => false,
      ),
    close: async () => {
      await berth.close();
      await kubelet.stop();
      await admin.close();
      await own.remove();
    },
  };
}
