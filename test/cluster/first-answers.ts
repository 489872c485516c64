import { setTimeout as pause } from 'node:timers/promises';

import type { V1Pod } from '@kubernetes/client-node';
import { request } from 'undici';

import type { BerthClient } from '../support/berth-client.js';
import { podApi } from './cluster.js';
import { SESSIONS } from './release.js';

/** How long users wait for a new session, and how long a bare pod of the same image takes without Berth. */

const PATIENCE_MS = 60_000;
/** Far less than what is measured. */
const LOOK_EVERY_MS = 10;

export interface Spread {
  medianMs: number;
  p95Ms: number;
  leastMs: number;
  mostMs: number;
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
  return { medianMs: at(0.5), p95Ms: at(0.95), leastMs: at(0), mostMs: at(1) };
}

/** From sending it to its whole answer; the session ends with it. */
export async function timeFirstRequest(client: BerthClient, id: string): Promise<{ ms: number; start: unknown }> {
  const beganAtMs = performance.now();
  const answer = await client.execute(id, {});
  const ms = performance.now() - beganAtMs;
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  await client.end(id);
  return { ms, start: answer.headers['x-session-start'] };
}

/** From asking for the pod to its first answer over HTTP, as somebody who does without Berth would see it. */
export async function timeBarePod(name: string): Promise<number> {
  const api = await podApi();
  const named = { namespace: SESSIONS, name };
  const beganAtMs = performance.now();
  await api.createNamespacedPod({ namespace: SESSIONS, body: barePod(name) });
  for (let address: string | undefined; !(address && (await answers(address))); await pause(LOOK_EVERY_MS)) {
    if (performance.now() > beganAtMs + PATIENCE_MS) throw new Error(`${name} does not answer`);
    address ??= (await api.readNamespacedPod(named)).status?.podIP;
  }
  const answeredMs = performance.now() - beganAtMs;
  await api.deleteNamespacedPod(named);
  return answeredMs;
}

async function answers(address: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`http://${address}:8080/health`, { headersTimeout: 1_000 });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}

/** The same container as a session's, made by hand. */
function barePod(name: string): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: SESSIONS, labels: { bare: name } },
    spec: {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      volumes: [{ name: 'tmp', emptyDir: {} }],
      containers: [
        {
          name: 'session',
          image: process.env.BERTH_IMAGE,
          imagePullPolicy: 'IfNotPresent',
          command: ['tini', '--', 'node', 'dist/session-pod/main.js'],
          env: [{ name: 'SESSION_ID', value: name }],
          volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '512Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}
