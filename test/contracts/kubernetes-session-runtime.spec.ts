import {
  describeWithControlPlane,
  ownNamespace,
  startTestKubelet,
  type TestKubelet,
} from '../support/kubernetes/index.js';
import { kubernetesRuntime } from '../support/kubernetes-runtime.js';
import { ask, plainTemplate } from '../support/process-runtime.js';
import type { RuntimeHarness } from './session-runtime/harness.js';
import { sessionRuntimeContract } from './session-runtime.contract.js';

const LAST_WORDS = ['sh', '-c', 'echo first words; echo last words >&2; exit 7'];

const templates: RuntimeHarness['templates'] = {
  serving: plainTemplate([], { hash: 'serving' }),
  silent: plainTemplate([], { name: 'silent', hash: 'silent', command: ['sleep', '600'] }),
  crashing: plainTemplate([], { name: 'crashing', hash: 'crashing', command: LAST_WORDS }),
};

async function makeHarness(): Promise<RuntimeHarness> {
  const own = await ownNamespace({ prefix: 'runtime' });
  const kubelet: TestKubelet = await startTestKubelet(own, { longestGraceMs: 300 });
  const { runtime, close } = kubernetesRuntime(own);
  return {
    runtime,
    templates,
    crash: async (pod) => Promise.resolve(kubelet.kill(pod.name)),
    print: async (pod, line) => void (await ask(pod, `/print?${encodeURIComponent(line)}`)),
    answers: (pod) =>
      ask(pod, '/health').then(
        (response) => response.ok,
        () => false,
      ),
    close: async () => {
      await close();
      await kubelet.stop();
      await own.remove();
    },
  };
}

describeWithControlPlane('with a control plane', () => sessionRuntimeContract('KubernetesSessionRuntime', makeHarness));
