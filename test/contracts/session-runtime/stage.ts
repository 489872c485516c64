import type { Pod, PodAssignment, PodOrder } from '../../../src/lifecycle/runtime/pod.js';
import type { SessionRuntime } from '../../../src/lifecycle/runtime/session-runtime.js';
import type { Template } from '../../../src/lifecycle/templates/template.js';
import { eventually } from '../../support/eventually.js';
import { sessionId } from '../../support/openings.js';
import type { RuntimeHarness } from './harness.js';

const START_LIMIT_MS = 10_000;
/** A runtime may change a pod at any moment by itself; that one does so this often between a look and a call is a fault. */
const MOST_CHANGES = 20;

let sessions = 0;

/** What the suite's cases say, in their own words. */
export class Stage {
  constructor(readonly harness: RuntimeHarness) {}

  get runtime(): SessionRuntime {
    return this.harness.runtime;
  }

  get templates(): RuntimeHarness['templates'] {
    return this.harness.templates;
  }

  /** An order for a session that no other case knows. */
  order(definition: Template, facts: Partial<PodOrder> = {}): PodOrder {
    return {
      id: sessionId(`session-${process.pid}-${++sessions}`),
      owner: 'https://issuer.example|alice',
      generation: 1,
      opening: 1,
      template: definition.name,
      env: {},
      idleTimeoutMs: 600_000,
      maxLifetimeMs: 0,
      openedAtMs: 1_800_000_000_000,
      definition,
      ...facts,
    };
  }

  async created(order: PodOrder): Promise<Pod> {
    const pod = await this.runtime.create(order);
    if (pod === 'name-taken') throw new Error(`the name of ${order.id} is taken`);
    return pod;
  }

  async ready(order: PodOrder): Promise<Pod> {
    const { name } = await this.created(order);
    return this.untilReady(name);
  }

  untilReady(name: string): Promise<Pod> {
    return this.until(name, { phase: 'ready' });
  }

  until(name: string, facts: Partial<Pod>): Promise<Pod> {
    return eventually(async () => {
      const pod = await this.truth(name);
      expect(pod).toMatchObject(facts);
      return pod;
    }, START_LIMIT_MS);
  }

  async truth(name: string): Promise<Pod> {
    const pod = await this.runtime.read(name);
    if (pod === 'absent') throw new Error(`${name} is absent`);
    return pod;
  }

  /** Acts on the pod as it is now, however often it changes by itself meanwhile. */
  async onNow<T>(name: string, act: (pod: Pod) => Promise<T>): Promise<T> {
    let answer = await act(await this.truth(name));
    for (let tries = 1; answer === 'changed' && tries < MOST_CHANGES; tries++)
      answer = await act(await this.truth(name));
    return answer;
  }

  async marked(name: string, deleteAfterMs = 0): Promise<Pod> {
    const pod = await this.onNow(name, (now) => this.runtime.mark(now, deleteAfterMs));
    if (typeof pod === 'string') throw new Error(`mark: ${pod}`);
    return pod;
  }

  /** A view of the pod that no longer holds, and that pod as it is now. */
  async outdated(name: string): Promise<Pod> {
    const seen = await this.truth(name);
    await this.onNow(name, (now) => this.runtime.annotate(now, { lastUsedAtMs: 1_800_000_111_000 }));
    return seen;
  }

  async deleted(name: string): Promise<void> {
    await this.marked(name);
    expect(await this.onNow(name, (now) => this.runtime.delete(now))).toBe('ending');
    await this.untilGone(name);
  }

  untilGone(name: string): Promise<void> {
    return eventually(async () => expect(await this.runtime.read(name)).toBe('absent'), START_LIMIT_MS);
  }

  async names(): Promise<string[]> {
    return (await this.runtime.list()).map(({ name }) => name);
  }
}

export function assignmentOf({ definition: _, ...assignment }: PodOrder): PodAssignment {
  return assignment;
}

export type Given = () => Stage;
