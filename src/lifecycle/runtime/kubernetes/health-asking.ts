import { get } from 'node:http';

import { pause, type Clock } from '../../../platform/clock.js';

export interface HealthTarget {
  host: string;
  port: number;
  path: string;
  /** The container's run that is expected to answer. */
  run: number;
}

interface Asked extends HealthTarget {
  end: AbortController;
}

const ANSWER_WITHIN_MS = 1_000;
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;
/** So many questions are under way at once, however many pods start. */
const MOST_QUESTIONS = 32;

/**
 * Asks pods for their health path while they start, so that one can be reached as soon as it answers, and not when the
 * kubelet has asked it, told the API server, and that has told us. An answer makes a pod ready sooner; none makes it
 * nothing.
 */
export class HealthAsking {
  private readonly asked = new Map<string, Asked>();
  private readonly turns: (() => void)[] = [];
  private questions = 0;

  constructor(
    private readonly clock: Clock,
    private readonly giveUpAfterMs: number,
    private readonly reached: (uid: string, run: number) => void,
  ) {}

  /** Begins, goes on, or (without a target) ends asking this pod. */
  consider(uid: string, target: HealthTarget | undefined): void {
    const before = this.asked.get(uid);
    if (before && target && isSame(before, target)) return;
    this.leave(uid);
    if (!target) return;
    const asked = { ...target, end: new AbortController() };
    this.asked.set(uid, asked);
    void this.ask(uid, asked).finally(() => {
      if (this.asked.get(uid) === asked) this.asked.delete(uid);
    });
  }

  leave(uid: string): void {
    this.asked.get(uid)?.end.abort();
    this.asked.delete(uid);
  }

  stop(): void {
    for (const uid of [...this.asked.keys()]) this.leave(uid);
  }

  private async ask(uid: string, { end, ...target }: Asked): Promise<void> {
    const beganAtMs = this.clock.monotonicMs();
    while (!end.signal.aborted) {
      const isHealthy = await this.inTurn(() => answersHealthy(target, end.signal, this.clock));
      if (end.signal.aborted) return;
      if (isHealthy) return this.reached(uid, target.run);
      const sinceMs = this.clock.monotonicMs() - beganAtMs;
      if (sinceMs > this.giveUpAfterMs) return;
      await pause(this.clock, questionPauseMs(sinceMs), end.signal);
    }
  }

  private async inTurn<T>(question: () => Promise<T>): Promise<T> {
    if (this.questions < MOST_QUESTIONS) this.questions += 1;
    else await new Promise<void>((resolve) => this.turns.push(resolve));
    try {
      return await question();
    } finally {
      const next = this.turns.shift();
      if (next) next();
      else this.questions -= 1;
    }
  }
}

/** A quick start is noticed quickly; one that takes long costs little to follow. */
export function questionPauseMs(sinceMs: number): number {
  return Math.min(Math.max(sinceMs / 5, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
}

function isSame(one: HealthTarget, other: HealthTarget): boolean {
  return one.run === other.run && one.host === other.host && one.port === other.port && one.path === other.path;
}

/** 200 to 399 is healthy, as for the kubelet. A redirect is not followed: it may lead anywhere. */
export function answersHealthy(
  { host, port, path }: Omit<HealthTarget, 'run'>,
  signal: AbortSignal,
  clock: Clock,
): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const leave = new AbortController();
    const options = { host, port, path, agent: false, headers: { 'user-agent': 'berth' } } as const;
    const question = get({ ...options, signal: AbortSignal.any([signal, leave.signal]) });
    const deadline = clock.after(ANSWER_WITHIN_MS, () => leave.abort());
    question.once('response', ({ statusCode = 0 }) => {
      resolve(statusCode >= 200 && statusCode < 400);
      question.destroy();
    });
    question.on('error', () => resolve(false));
    question.once('close', () => {
      deadline.cancel();
      resolve(false);
    });
  });
}
