import type { Job } from './load/job.js';
import type { Target } from './target.js';

/** Way of loading: what of a job is the same for every target. */
type Shape<T = Job> = T extends Job ? Omit<T, 'ways' | 'headers' | 'pids' | 'warmUpSeconds' | 'seconds'> : never;

export interface Workload {
  id: string;
  title: string;
  /** What one is counted in. */
  unit: 'request' | 'event' | 'message';
  podPath: string;
  shape: Shape;
  seconds: number;
  /** Whether the backends without a proxy are measured, too: what a proxy adds is the difference. */
  withDirect: boolean;
}

const SMALL = 120;
const LARGE = 64 * 1_024;

export const WORKLOADS: readonly Workload[] = [
  {
    id: 'execute-saturated',
    title: 'Small JSON executes, 32 connections that always ask',
    unit: 'request',
    podPath: '/execute',
    shape: { kind: 'closed', connections: 32, bodyBytes: SMALL },
    seconds: 2,
    withDirect: true,
  },
  {
    id: 'execute-170',
    title: 'Small JSON executes, 170 a second (10,000 a minute)',
    unit: 'request',
    podPath: '/execute',
    shape: { kind: 'paced', rate: 170, bodyBytes: SMALL },
    seconds: 3,
    withDirect: true,
  },
  {
    id: 'execute-2000',
    title: 'Small JSON executes, 2,000 a second',
    unit: 'request',
    podPath: '/execute',
    shape: { kind: 'paced', rate: 2_000, bodyBytes: SMALL },
    seconds: 2,
    withDirect: true,
  },
  {
    id: 'large-saturated',
    title: '64 KiB there and 64 KiB back, 16 connections that always ask',
    unit: 'request',
    podPath: '/large',
    shape: { kind: 'closed', connections: 16, bodyBytes: LARGE },
    seconds: 2,
    withDirect: true,
  },
  {
    id: 'events',
    title: 'Server-sent events, 100 streams with 20 events a second each',
    unit: 'event',
    podPath: '/events?period=50',
    shape: { kind: 'events', streams: 100 },
    seconds: 2,
    withDirect: true,
  },
  {
    id: 'messages',
    title: 'WebSocket messages of 128 bytes and their echo, 100 sockets, 2,000 a second',
    unit: 'message',
    podPath: '/ws',
    shape: { kind: 'messages', sockets: 100, rate: 2_000, bytes: 128 },
    seconds: 2,
    withDirect: true,
  },
];

/** What is asked for where all that can be had is to be had. */
export const SATURATED = WORKLOADS.find(({ id }) => id === 'execute-saturated')!;

export function jobFor(workload: Workload, target: Target, { sessions, warmUpSeconds, seconds }: Timing): Job {
  const ways = Array.from({ length: sessions }, (_, session) => target.way(session, workload.podPath));
  return { ...workload.shape, ways, headers: target.headers, pids: target.pids, warmUpSeconds, seconds };
}

export interface Timing {
  sessions: number;
  warmUpSeconds: number;
  seconds: number;
}
