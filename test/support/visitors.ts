import { setTimeout as pause } from 'node:timers/promises';

import type { Answer, BerthClient } from './berth-client.js';

export interface Visit {
  id: string;
  /** Each step of it with the status that came, and how long it took. */
  steps: { step: string; status: number; executions?: unknown; tookMs: number; text: string }[];
}

/**
 * Sessions that come and go: every so often somebody new opens one, by asking or by PUT, uses it, and ends it. Its first
 * request is held until its pod has started.
 */
export class Visitors {
  private readonly visits: Visit[] = [];
  private readonly open = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: BerthClient,
    private readonly prefix: string,
    private readonly everyMs: number,
  ) {}

  start(): this {
    running.add(this);
    this.running = this.run();
    return this;
  }

  async stop(): Promise<Visit[]> {
    running.delete(this);
    this.stopping.abort();
    await this.running;
    await Promise.all(this.open);
    return this.visits;
  }

  private async run(): Promise<void> {
    for (let at = 0; !this.stopping.signal.aborted; at += 1) {
      const visit = this.visit(`${this.prefix}-${at}`, at % 2 === 1);
      this.open.add(visit);
      void visit.finally(() => this.open.delete(visit));
      await pause(this.everyMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async visit(id: string, isPut: boolean): Promise<void> {
    const steps: Visit['steps'] = [];
    const take = async (step: string, call: () => Promise<Answer>): Promise<void> => {
      const beganAtMs = performance.now();
      const { status, body, text } = await call().catch((error: unknown) => noAnswer(error));
      steps.push({ step, status, executions: body.executions, tookMs: performance.now() - beganAtMs, text });
    };
    if (isPut) await take('put', () => this.client.put(id));
    await take('first', () => this.client.execute(id, 1));
    await take('second', () => this.client.execute(id, 2));
    await take('end', () => this.client.end(id));
    this.visits.push({ id, steps });
  }
}

/** Nobody was sent away, and everybody met one pod from the first request to the last. */
export function expectWelcome(visits: readonly Visit[]): void {
  expect(visits.length).toBeGreaterThan(0);
  const wanted: Record<string, object> = {
    put: { status: 201 },
    first: { status: 200, executions: 1 },
    second: { status: 200, executions: 2 },
    end: { status: 204 },
  };
  const steps = visits.flatMap(({ id, steps }) => steps.map((step) => ({ id, ...step })));
  const bad = steps.filter(({ step, status, executions }) => {
    const want = wanted[step] as { status: number; executions?: number };
    return status !== want.status || executions !== want.executions;
  });
  expect(bad).toEqual([]);
}

function noAnswer(error: unknown): Pick<Answer, 'status' | 'body' | 'text'> {
  return { status: 0, body: {}, text: String(error) };
}

/** A test that failed did not come to stop its own. */
const running = new Set<Visitors>();
afterAll(() => Promise.all([...running].map((visitors) => visitors.stop())));
