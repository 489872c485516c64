import { setTimeout as pause } from 'node:timers/promises';

import type { BerthClient } from './berth-client.js';

const EVERY_MS = 200;

export interface OneUse {
  status: number;
  /** How often the pod has executed for this session. */
  executions: unknown;
  generation: string | undefined;
  tookMs: number;
  text: string;
}

/** A user who executes again and again, one call after the other, whatever comes back. */
export class SteadyUse {
  readonly uses: OneUse[] = [];
  private isOver = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly berth: BerthClient,
    private readonly id: string,
    private readonly subject = 'alice',
  ) {
    this.running = this.run();
    steady.add(this);
  }

  async stop(): Promise<OneUse[]> {
    this.isOver = true;
    steady.delete(this);
    await this.running;
    return this.uses;
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      const beganAtMs = performance.now();
      this.uses.push({ ...(await this.useOnce()), tookMs: performance.now() - beganAtMs });
      await pause(EVERY_MS);
    }
  }

  private async useOnce(): Promise<Omit<OneUse, 'tookMs'>> {
    try {
      const { status, headers, body, text } = await this.berth.execute(this.id, {}, { as: this.subject });
      const generation = headers['x-session-generation']?.toString();
      return { status, executions: body.executions, generation, text };
    } catch (error) {
      return { status: 0, executions: undefined, generation: undefined, text: String(error) };
    }
  }
}

/** All of them were answered by the same pod, none was lost and none ran twice. */
export function expectUnbroken(uses: readonly OneUse[], generation = '1'): void {
  expect(uses.length).toBeGreaterThan(0);
  expect(uses.filter(({ status }) => status !== 200)).toEqual([]);
  expect(new Set(uses.map((use) => use.generation))).toEqual(new Set([generation]));
  const first = Number(uses[0]!.executions);
  expect(uses.map(({ executions }) => executions)).toEqual(uses.map((_, at) => first + at));
}

/** A test that failed did not come to stop its own. */
const steady = new Set<SteadyUse>();
afterAll(() => Promise.all([...steady].map((use) => use.stop())));
