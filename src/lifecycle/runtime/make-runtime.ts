import { processSurroundings } from '../../config/environment.js';
import type { Settings } from '../../config/settings.schema.js';
import { StartFault } from '../../config/start-fault.js';
import { Clock } from '../../platform/clock.js';
import type { KubernetesClient } from '../../platform/kubernetes/kubernetes-client.js';
import { Logger } from '../../platform/logger.js';
import { Randomness } from '../../platform/randomness.js';
import { ProcessSessionRuntime } from './process/process-session-runtime.js';
import type { ProcessRuntimeOptions } from './process/supervision.js';
import { SessionRuntime } from './session-runtime.js';

const SECOND = 1_000;

interface Means {
  clock: Clock;
  randomness: Randomness;
  logger: Logger;
  /** The way to the cluster, where there is one. */
  kubernetes?: KubernetesClient;
}

/** RUNTIME chooses. */
export async function makeRuntime(settings: Settings, means: Means): Promise<SessionRuntime> {
  const { clock, randomness, logger: log } = means;
  switch (settings.RUNTIME) {
    case 'process':
      return makeProcessRuntime({ ...processSurroundings(settings), clock, randomness, log });
    case 'kubernetes':
      return makeKubernetesRuntime(settings, means);
  }
}

async function makeProcessRuntime(options: ProcessRuntimeOptions & { stateRoot: string }): Promise<SessionRuntime> {
  const runtime = new ProcessSessionRuntime(options);
  try {
    await runtime.prepare();
    return runtime;
  } catch (error) {
    const why = (error as Error).message;
    const sentence = `State folders cannot be kept under ${options.stateRoot}: ${why}. Set PROCESS_STATE_PATH to a folder that may be written.`;
    throw new StartFault(sentence, { cause: error });
  }
}

async function makeKubernetesRuntime(settings: Settings, means: Means): Promise<SessionRuntime> {
  const { clock, randomness, logger, kubernetes } = means;
  const { KubernetesSessionRuntime } = await import('./kubernetes/kubernetes-session-runtime.js');
  const pods = {
    image: settings.SESSION_POD_IMAGE!,
    cpuRequest: settings.SESSION_POD_CPU_REQUEST,
    cpuLimit: settings.SESSION_POD_CPU_LIMIT,
    memoryRequest: settings.SESSION_POD_MEMORY_REQUEST,
    memoryLimit: settings.SESSION_POD_MEMORY_LIMIT,
    startTimeoutMs: settings.POD_CREATION_TIMEOUT * SECOND,
    logLevel: settings.LOG_LEVEL,
    serviceAccountName: settings.SESSION_POD_SERVICE_ACCOUNT,
  };
  if (settings.STORE === 'memory')
    logger.warn(
      { event: 'store.memory' },
      'Sessions are remembered in memory: run one replica only, others would not be ready. Set REDIS_HOST or REDIS_URL for more.',
    );
  return new KubernetesSessionRuntime(kubernetes!, pods, clock, randomness, logger);
}
