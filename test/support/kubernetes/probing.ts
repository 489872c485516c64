import { setTimeout as pause } from 'node:timers/promises';

import type { ApiContainer, ApiProbe } from './api-pod.js';
import { passes } from './http-probe.js';

export interface ProbingOrder {
  container: ApiContainer;
  address: string;
  /** While the container is not ready; the product's periods are whole seconds. */
  periodMs: number;
  /** Once it is ready. */
  readyPeriodMs: number;
  /** What a slow one waits before it counts as started. */
  delayMs: number;
  signal: AbortSignal;
  started(): void;
  ready(isReady: boolean): void;
  /** The startup probe has failed for as long as the spec allows. */
  startupFailed(): void;
}

/** Asks a run of a container for as long as it lasts. The time that the spec allows in all is kept as it is. */
export async function probe(order: ProbingOrder): Promise<void> {
  try {
    if (!(await isStarted(order))) return order.startupFailed();
    await pause(order.delayMs, undefined, { signal: order.signal });
    order.started();
    await followReadiness(order);
  } catch (error) {
    if (!order.signal.aborted) throw error;
  }
}

async function isStarted({ container, address, periodMs, signal }: ProbingOrder): Promise<boolean> {
  const { startupProbe } = container;
  if (!startupProbe) return true;
  const { periodSeconds = 10, failureThreshold = 3 } = startupProbe;
  const giveUpAtMs = performance.now() + periodSeconds * failureThreshold * 1_000;
  while (!signal.aborted) {
    if (await passes(startupProbe, container, address)) return true;
    if (performance.now() >= giveUpAtMs) return false;
    await pause(periodMs, undefined, { signal });
  }
  return true;
}

async function followReadiness(order: ProbingOrder): Promise<void> {
  const { readinessProbe } = order.container;
  if (!readinessProbe) return order.ready(true);
  let isReady = false;
  let failures = 0;
  while (!order.signal.aborted) {
    failures = (await passes(readinessProbe, order.container, order.address)) ? 0 : failures + 1;
    if (isReady ? isLost(readinessProbe, failures) : failures === 0) {
      isReady = !isReady;
      if (!order.signal.aborted) order.ready(isReady);
    }
    await pause(isReady ? order.readyPeriodMs : order.periodMs, undefined, { signal: order.signal });
  }
}

function isLost({ failureThreshold = 3 }: ApiProbe, failures: number): boolean {
  return failures >= failureThreshold;
}
