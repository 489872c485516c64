import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

import type { DeletionReason } from './driving/pod-removal.js';

const START_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120];
const PASS_BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];

/** Failure reasons come from pods and clusters; what is not on this list is counted as `other`. */
const KNOWN_REASONS = new Set([
  'CrashLoopBackOff',
  'OOMKilled',
  'StateLost',
  'StartTimeout',
  'PodDeleted',
  'NameTaken',
  'TemplateGone',
  'CommandNotFound',
  'InvalidTemplate',
  'StartError',
  'NotReady',
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'FailedMount',
  'FailedCreatePodSandBox',
  'Unschedulable',
  'QuotaExceeded',
  'AdmissionDenied',
  'Invalid',
  'Evicted',
  'EvictionByEvictionAPI',
  'PreemptionByScheduler',
  'DeletionByTaintManager',
  'TerminationByKubelet',
  'PodEnded',
  'Exited',
]);

function known(reason: string): string {
  return KNOWN_REASONS.has(reason) ? reason : 'other';
}

/** What lifecycle tells Prometheus. Levels are read when they are asked for, see `lifecycle-gauges.ts`. */
export class LifecycleMetrics {
  private readonly creation: Histogram<'start' | 'outcome'>;
  private readonly deletions: Counter<'reason'>;
  private readonly idleTimeouts: Counter;
  private readonly creationFailures: Counter<'reason'>;
  private readonly heals: Counter<'reason'>;
  private readonly restarts: Counter;
  private readonly reaperPass: Histogram;
  private readonly reaperLag: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.creation = new Histogram({
      name: 'session_pod_creation_duration_seconds',
      help: 'From ordering a pod to its being reachable, or to giving it up',
      labelNames: ['start', 'outcome'],
      buckets: START_BUCKETS,
      registers,
    });
    this.deletions = new Counter({
      name: 'session_pod_deletion_total',
      help: 'Pods whose deletion was ordered, by reason',
      labelNames: ['reason'],
      registers,
    });
    this.idleTimeouts = new Counter({
      name: 'session_idle_timeout_total',
      help: 'Sessions ended because nobody used them',
      registers,
    });
    this.creationFailures = new Counter({
      name: 'session_pod_creation_failures_total',
      help: 'Sessions that came to failed, by reason',
      labelNames: ['reason'],
      registers,
    });
    this.heals = new Counter({
      name: 'session_heals_total',
      help: 'Pods replaced by a next generation, by what befell them',
      labelNames: ['reason'],
      registers,
    });
    this.restarts = new Counter({
      name: 'session_pod_restarts_total',
      help: 'Processes or containers started again inside their pod, as this replica saw them',
      registers,
    });
    this.reaperPass = new Histogram({
      name: 'session_reaper_pass_duration_seconds',
      help: 'How long one pass of the reaper took',
      buckets: PASS_BUCKETS,
      registers,
    });
    this.reaperLag = new Gauge({
      name: 'session_reaper_lag_seconds',
      help: 'How late the most overdue session of the last pass was looked at',
      registers,
    });
  }

  podCreated(start: 'cold' | 'warm', outcome: 'ready' | 'failed', seconds: number): void {
    this.creation.observe({ start, outcome }, seconds);
  }

  podDeleted(reason: DeletionReason): void {
    this.deletions.inc({ reason });
  }

  idleTimeout(): void {
    this.idleTimeouts.inc();
  }

  creationFailed(reason: string): void {
    this.creationFailures.inc({ reason: known(reason) });
  }

  healed(reason: string): void {
    this.heals.inc({ reason: known(reason) });
  }

  restarted(times: number): void {
    this.restarts.inc(times);
  }

  reaperPassed(seconds: number, lagSeconds: number): void {
    this.reaperPass.observe(seconds);
    this.reaperLag.set(lagSeconds);
  }
}
