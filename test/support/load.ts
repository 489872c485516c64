import { setTimeout as pause } from 'node:timers/promises';

import type { BerthClient } from './berth-client.js';

const TICK_MS = 5;
/** Of a client; after that it has no answer. */
const PATIENCE_MS = 30_000;
/** So many failures are shown; the rest is counted. */
const SHOWN = 10;

export interface LoadOptions {
  /** Who is asked, in turn; asked for again at each arrival. */
  targets: () => readonly BerthClient[];
  /** Each is executed in turn, on each target in turn. */
  sessions: readonly string[];
  perSecond: number;
  /** Whose they are. */
  subject?: string;
  /** A machine that cannot keep up with so many unanswered is not asked for more. Absent: it is asked all the same. */
  mostOpen?: number;
}

export interface LoadAnswer {
  id: string;
  /** URL of who was asked. */
  asked: string;
  /** As of `Date.now()`, but finer; the answer was there `tookMs` later. */
  sentAtMs: number;
  tookMs: number;
  /** 0: the client has no answer, and `text` says why. */
  status: number;
  generation?: string;
  /** How often the pod has executed for this session. */
  executions?: number;
  retryAfter?: string;
  text: string;
}

/**
 * Users in great number: requests are sent on schedule, whether or not earlier ones were answered, over kept
 * connections. A user who waits for an answer before he asks again would hide an outage by asking less.
 */
export class Load {
  private readonly answers: LoadAnswer[] = [];
  private readonly open = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: LoadOptions) {}

  start(): this {
    running.add(this);
    this.running = this.run();
    return this;
  }

  /** What came so far, in order of the answers. */
  get soFar(): readonly LoadAnswer[] {
    return this.answers;
  }

  /** What has been sent so far is answered, or given up. */
  async settle(): Promise<void> {
    await Promise.all(this.open);
  }

  async stop(): Promise<LoadAnswer[]> {
    running.delete(this);
    this.stopping.abort();
    await this.running;
    await this.settle();
    return this.answers;
  }

  private async run(): Promise<void> {
    const beganAtMs = performance.now();
    for (let sent = 0; !this.stopping.signal.aborted;) {
      const { perSecond, mostOpen = Infinity } = this.options;
      const due = ((performance.now() - beganAtMs) / 1_000) * perSecond;
      for (; sent < due; sent += 1) if (this.open.size < mostOpen) this.send(sent);
      await pause(Math.max(TICK_MS, ((sent - due) / perSecond) * 1_000));
    }
  }

  private send(at: number): void {
    const { sessions, targets } = this.options;
    const asked = targets();
    const nth = at % sessions.length;
    const round = Math.floor(at / sessions.length);
    // Shifted by one each round, so that each session meets each target whatever their numbers have in common.
    const use = this.useOnce(sessions[nth]!, asked[(nth + round) % asked.length]);
    this.open.add(use);
    void use.finally(() => this.open.delete(use));
  }

  private async useOnce(id: string, target: BerthClient | undefined): Promise<void> {
    const beganAtMs = performance.now();
    const outcome = target ? await this.ask(id, target) : { status: 0, text: 'nobody to ask' };
    const tookMs = performance.now() - beganAtMs;
    const sentAtMs = performance.timeOrigin + beganAtMs;
    this.answers.push({ id, asked: target?.url ?? '', sentAtMs, tookMs, ...outcome });
  }

  private async ask(
    id: string,
    target: BerthClient,
  ): Promise<Pick<LoadAnswer, 'status' | 'generation' | 'executions' | 'retryAfter' | 'text'>> {
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const { status, headers, body, text } = await target.execute(
        id,
        {},
        { as: this.options.subject ?? 'alice', signal },
      );
      const [generation, retryAfter] = ['x-session-generation', 'retry-after'].map((name) => headers[name]?.toString());
      const executions = typeof body.executions === 'number' ? body.executions : undefined;
      return { status, generation, executions, retryAfter, text };
    } catch (error) {
      return { status: 0, text: reasonOf(error) };
    }
  }
}

/** Every request was answered with success. */
export function expectNoneFailed(answers: readonly LoadAnswer[]): void {
  expect(answers.length).toBeGreaterThan(0);
  const failed = answers.filter(({ status }) => status !== 200);
  expect({ failed: failed.length, of: answers.length, some: failed.slice(0, SHOWN) }).toEqual({
    failed: 0,
    of: answers.length,
    some: [],
  });
}

/**
 * Each session was answered by one pod all the while: one generation, and a counter of executions that only grows. The
 * counter of a pod made anew, or of a second one, begins again.
 */
export function expectOnePodEach(answers: readonly LoadAnswer[], generation = '1'): void {
  const served = answers.filter(({ status }) => status === 200);
  expect(served.filter((answer) => answer.generation !== generation).slice(0, SHOWN)).toEqual([]);
  const ids = [...new Set(served.map(({ id }) => id))];
  expect(ids.flatMap((id) => setBack(served.filter((answer) => answer.id === id))).slice(0, SHOWN)).toEqual([]);
}

/** Answers to requests that were sent after another of the session had been answered, with no higher a count than it. */
function setBack(answers: readonly LoadAnswer[]): LoadAnswer[] {
  const byAnswer = answers.toSorted((one, other) => answeredAtMs(one) - answeredAtMs(other));
  const bySending = answers.toSorted((one, other) => one.sentAtMs - other.sentAtMs);
  let highest = 0;
  let at = 0;
  const late = bySending.filter((answer) => {
    for (; at < byAnswer.length && answeredAtMs(byAnswer[at]!) < answer.sentAtMs; at += 1) {
      highest = Math.max(highest, byAnswer[at]!.executions!);
    }
    return answer.executions! <= highest;
  });
  const counts = answers.map(({ executions }) => executions);
  const twice = answers.filter(({ executions }, nth) => counts.indexOf(executions) !== nth);
  return [...late, ...twice];
}

function answeredAtMs({ sentAtMs, tookMs }: LoadAnswer): number {
  return sentAtMs + tookMs;
}

function reasonOf(error: unknown): string {
  const { code, cause } = error as { code?: string; cause?: Error };
  return [String(error), code, cause?.message].filter(Boolean).join(' ');
}

/** A test that failed did not come to stop its own. */
const running = new Set<Load>();
afterAll(() => Promise.all([...running].map((load) => load.stop())));
