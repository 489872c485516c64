import type { V1Container, V1PodSpec, V1Probe, V1Toleration, V1Volume, V1VolumeMount } from '@kubernetes/client-node';

import type { Env } from '../../session.js';
import type { Template } from '../../templates/template.js';
import type { PodAssignment } from '../pod.js';
import { CONTAINER } from './pod-object.js';
import { type ResourceDefaults, resourcesOf } from './pod-resources.js';

export interface PodSettings extends ResourceDefaults {
  /** What a template without an image runs. */
  image: string;
  startTimeoutMs: number;
  logLevel?: string;
  /** Of a template that names none. */
  serviceAccountName?: string;
}

export type Session = Pick<PodAssignment, 'id' | 'env'>;

const USER = 1_000;
const TMP = '/tmp';
const TMP_VOLUME = 'berth-tmp';
const TMP_LIMIT = '1Gi';
const LOST_NODE_SECONDS = 30;
const LOST_NODE = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const PROBE_TIMEOUT_SECONDS = 5;

/** The pod of a template: for one session, or (without one) warm, nobody's yet. */
export function podSpec(template: Template, settings: PodSettings, session?: Session): V1PodSpec {
  const { nodeSelector, runtimeClassName, priorityClassName } = template;
  const serviceAccountName = template.serviceAccountName ?? settings.serviceAccountName;
  return {
    restartPolicy: 'Always',
    enableServiceLinks: false,
    // Also with a service account of its own: a cloud's identity for it comes as a volume, and a template that needs
    // the Kubernetes API mounts a projected token itself.
    automountServiceAccountToken: false,
    ...(serviceAccountName !== undefined && { serviceAccountName }),
    ...(runtimeClassName !== undefined && { runtimeClassName }),
    ...(priorityClassName !== undefined && { priorityClassName }),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    tolerations: tolerationsOf(template),
    securityContext: podSecurity(template),
    volumes: volumesOf(template),
    containers: [containerOf(template, settings, session)],
  };
}

/** Who owns a volume that is mounted is made the pod's user: a fresh disk belongs to root. */
function podSecurity({ runAsUser = USER }: Template): V1PodSpec['securityContext'] {
  return {
    runAsNonRoot: true,
    runAsUser,
    fsGroup: runAsUser,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
    sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
  };
}

function containerOf(template: Template, settings: PodSettings, session?: Session): V1Container {
  const { image = settings.image, command, args, port } = template;
  return {
    name: CONTAINER,
    image,
    ...(command && { command }),
    ...(args.length > 0 && { args }),
    env: Object.entries(podEnv(template, settings, session)).map(([name, value]) => ({ name, value: literal(value) })),
    ports: [{ containerPort: port }],
    resources: resourcesOf(template, settings),
    volumeMounts: mountsOf(template),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    ...probesOf(template, settings),
  };
}

/** What Berth itself says comes last and wins; of what the session's client says, only the names that are allowed. */
function podEnv(template: Template, { logLevel }: PodSettings, session?: Session): Env {
  const asked = Object.entries(session?.env ?? {}).filter(([name]) => template.clientEnv.includes(name));
  return {
    ...(logLevel !== undefined && { LOG_LEVEL: logLevel }),
    ...template.env,
    ...Object.fromEntries(asked),
    ...(session && { SESSION_ID: session.id }),
    PORT: String(template.port),
    STATE_FILE_PATH: `${TMP}/session-state.json`,
  };
}

/** Kubernetes would put other variables in place of `$(NAME)`; a value is what it says. */
function literal(value: string): string {
  return value.replaceAll('$', '$$$$');
}

/**
 * The startup probe tells when the pod can be reached for the first time, once a second; afterwards it is never asked
 * again. It must not run out before the start is given up: the kubelet would restart what is only slow. The readiness
 * probe is for people and Services; Berth does not act on it, because a busy pod is not a dead one.
 */
function probesOf({ healthPath, port }: Template, { startTimeoutMs }: PodSettings): Record<string, V1Probe> {
  const probe = { httpGet: { path: healthPath, port }, timeoutSeconds: PROBE_TIMEOUT_SECONDS };
  const startSeconds = Math.ceil(startTimeoutMs / 1_000);
  return {
    startupProbe: { ...probe, periodSeconds: 1, failureThreshold: 2 * startSeconds + 60 },
    readinessProbe: { ...probe, periodSeconds: 5 },
  };
}

/** Gives up a lost node soon, unless the template itself says when. */
function tolerationsOf({ tolerations }: Template): V1Toleration[] {
  const own = tolerations as V1Toleration[];
  const lostNode = LOST_NODE.filter((key) => !own.some((toleration) => toleration.key === key)).map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: LOST_NODE_SECONDS,
  }));
  return [...lostNode, ...own];
}

/** The only place that can be written, on the node's disk: bounded, so that one session cannot fill it for all. */
function volumesOf(template: Template): V1Volume[] {
  const own = template.volumes as unknown as V1Volume[];
  if (hasOwnTmp(template)) return own;
  const sizeLimit = template.resources?.limits?.['ephemeral-storage'] ?? TMP_LIMIT;
  return [{ name: TMP_VOLUME, emptyDir: { sizeLimit } }, ...own];
}

function mountsOf(template: Template): V1VolumeMount[] {
  const own = template.volumeMounts as unknown as V1VolumeMount[];
  return hasOwnTmp(template) ? own : [{ name: TMP_VOLUME, mountPath: TMP }, ...own];
}

function hasOwnTmp({ volumeMounts }: Template): boolean {
  return volumeMounts.some(({ mountPath }) => mountPath.replace(/\/+$/, '') === TMP);
}
