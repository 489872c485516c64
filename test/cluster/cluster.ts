import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

import type { CoreV1Api } from '@kubernetes/client-node';

/** kubectl and helm as a person has them, on the cluster of KUBECONFIG. */

const run = promisify(execFile);
const MOST_OUTPUT_BYTES = 64 * 1024 * 1024;

async function call(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, args, { maxBuffer: MOST_OUTPUT_BYTES });
  return stdout;
}

export const kubectl = (...args: string[]): Promise<string> => call('kubectl', args);
export const helm = (...args: string[]): Promise<string> => call(process.env.HELM ?? 'helm', args);

export async function kubectlJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(...args, '-o', 'json')) as T;
}

export async function apply(...objects: object[]): Promise<void> {
  const child = spawn('kubectl', ['apply', '-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  child.stdin.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`kubectl apply: ${said}`);
}

export interface ClusterPod {
  metadata: { name: string; uid: string; labels: Record<string, string>; deletionTimestamp?: string };
  status: { phase: string; podIP?: string; conditions?: { type: string; status: string }[] };
}

export async function podsOf(namespace: string, selector: string): Promise<ClusterPod[]> {
  return (await kubectlJson<{ items: ClusterPod[] }>('-n', namespace, 'get', 'pods', '-l', selector)).items;
}

/** Where the start of a kubectl would count. */
export async function podApi(): Promise<CoreV1Api> {
  const { CoreV1Api, KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromDefault();
  return config.makeApiClient(CoreV1Api);
}
