import type { Way } from '../target.js';

interface Common {
  /** One for each session; used by turns. */
  ways: readonly Way[];
  headers: Readonly<Record<string, string>>;
  /** Their CPU time is read at both ends of what is measured. */
  pids: readonly number[];
  warmUpSeconds: number;
  seconds: number;
}

interface Requests extends Common {
  bodyBytes: number;
}

/** `closed`: each connection asks again as soon as it has its answer. */
export interface ClosedJob extends Requests {
  kind: 'closed';
  connections: number;
}

/**
 * `paced`: requests come at random moments, so many a second on the average, whether or not others have been answered; how
 * long one took counts from the moment at which it was due.
 */
export interface PacedJob extends Requests {
  kind: 'paced';
  rate: number;
  /** So many are open before it begins, and there will be no more: what finds none free waits. Else as many as it takes. */
  connections?: number;
}

/** `events`: streams of server-sent events, each with the moment at which it was sent. */
export interface EventsJob extends Common {
  kind: 'events';
  streams: number;
}

/** `messages`: WebSockets that echo; messages come as requests do under `paced`. */
export interface MessagesJob extends Common {
  kind: 'messages';
  sockets: number;
  rate: number;
  bytes: number;
}

export type Job = ClosedJob | PacedJob | EventsJob | MessagesJob;

export interface Outcome {
  /** Within the time that counts. */
  done: number;
  failed: number;
  seconds: number;
  cpuSeconds: number;
  latencyMs: { p50: number; p95: number; p99: number; max: number };
  /** Part of the time in which the load generator itself was at work: near 1, it is what held things up. */
  generatorBusy: number;
  /** Answers by status other than 200. */
  otherStatuses: Record<string, number>;
}
