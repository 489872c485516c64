/** Times are strings where JSON was read as it came, and dates where the client library read it. */
export type Moment = Date | string;

/** What is read of a pod as the API server shows it. Everything may be missing: anybody can have made it. */
export interface PodObject {
  metadata?: PodObjectMetadata;
  spec?: { nodeName?: string; containers?: readonly ContainerSpec[] };
  status?: PodObjectStatus;
}

export interface PodObjectMetadata {
  name?: string;
  uid?: string;
  resourceVersion?: string;
  creationTimestamp?: Moment;
  deletionTimestamp?: Moment;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
}

export interface ContainerSpec {
  name: string;
  ports?: readonly { containerPort: number }[];
  startupProbe?: { httpGet?: { path?: string } };
}

export interface PodObjectStatus {
  phase?: string;
  reason?: string;
  message?: string;
  podIP?: string;
  startTime?: Moment;
  conditions?: readonly Condition[];
  containerStatuses?: readonly ContainerStatus[];
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

export interface ContainerStatus {
  name: string;
  restartCount: number;
  /** Its startup probe has succeeded. */
  started?: boolean;
  ready?: boolean;
  state?: ContainerState;
  /** How the run before the present one ended. */
  lastState?: ContainerState;
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: Moment };
  terminated?: Termination;
}

export interface Termination {
  exitCode?: number;
  signal?: number;
  reason?: string;
  message?: string;
  startedAt?: Moment;
  finishedAt?: Moment;
}

/** The name of the one container that is ours; others in the pod were put there by an admission webhook. */
export const CONTAINER = 'session';

export function containerOf({ status }: PodObject): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === CONTAINER);
}

export function msOf(moment: Moment | undefined): number | undefined {
  if (moment === undefined) return undefined;
  const ms = new Date(moment).getTime();
  return Number.isNaN(ms) ? undefined : ms;
}
