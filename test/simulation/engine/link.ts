import type { Chance } from './chance.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { VirtualTime } from './virtual-time.js';

/** How the way from one replica to something that it needs is at the moment. Outlives the replica's processes. */
export interface Way {
  /** `refusing`: says at once that nobody is there. `stalled`: says nothing. */
  state: 'open' | 'refusing' | 'stalled';
  sinceMs: number;
  /** When it last came to be as it should; Infinity while it is not. */
  goodSinceMs: number;
  /** A call takes up to so much longer than it should. */
  slowMs: number;
  /** How often a call goes wrong: its request or its answer is lost, or it is done after its caller gave up. */
  loss: number;
}

export function openWay(): Way {
  return { state: 'open', sinceMs: -Infinity, goodSinceMs: -Infinity, slowMs: 0, loss: 0 };
}

export function changeWay(way: Way, facts: Partial<Pick<Way, 'state' | 'slowMs' | 'loss'>>, nowMs: number): void {
  Object.assign(way, facts, { sinceMs: nowMs });
  const isGood = way.state === 'open' && way.slowMs === 0 && way.loss === 0;
  way.goodSinceMs = isGood ? nowMs : Infinity;
}

export interface LinkParts {
  name: string;
  time: VirtualTime;
  process: SimulatedProcess;
  chance: Chance;
  way: Way;
  deadlineMs: number;
  /** What a caller is told that got no answer. */
  unavailable: (why: string) => Error;
  /** Something worth telling happened to a call. */
  tell: (what: string) => void;
}

/** When a call is done (if it is), and when its caller hears (if it does) or gives up. */
interface Fate {
  doneAfterMs?: number;
  answerAfterMs?: number;
  failsAfterMs?: number;
  story?: string;
}

const SHORTEST_MS = 0.2;
const USUAL_MS = 3;

/**
 * The calls of one process to one server. Each goes its own way: two that are under way at once may arrive in either
 * order, one may be done and never answered, or done long after the caller gave up, even when the caller has died.
 */
export class Link {
  constructor(private readonly parts: LinkParts) {}

  get isOpen(): boolean {
    return this.parts.way.state === 'open';
  }

  call<T>(what: string, act: () => T | Promise<T>): Promise<T> {
    const { time, process, chance, unavailable } = this.parts;
    const fate = this.fate();
    if (fate.story) this.parts.tell(`${this.parts.name}.${what}: ${fate.story}`);
    const isHeldByPause = chance.happens(0.5);
    return new Promise<T>((resolve, reject) => {
      const fail = (): void => reject(unavailable(`${what}: ${fate.story ?? 'no answer in time'}`));
      if (fate.failsAfterMs !== undefined) process.clock.after(fate.failsAfterMs, fail);
      if (fate.doneAfterMs === undefined) return;
      const answer = (settle: () => void): void => {
        if (fate.answerAfterMs !== undefined) time.after(fate.answerAfterMs, () => process.deliver(settle));
      };
      const done = (): void => {
        // Stopped between deciding to send and sending.
        if (process.isPaused && isHeldByPause) return process.deliver(() => void time.after(this.latencyMs(), done));
        const doing = outcomeOf(act);
        doing.then(
          (value) => answer(() => resolve(value)),
          (error: Error) => answer(() => reject(error)),
        );
      };
      time.after(fate.doneAfterMs, done);
    });
  }

  latencyMs(): number {
    const { chance, way } = this.parts;
    return chance.mostlyNear(SHORTEST_MS, USUAL_MS) + (way.slowMs > 0 ? chance.fraction() * way.slowMs : 0);
  }

  private fate(): Fate {
    const { way, chance, deadlineMs } = this.parts;
    if (way.state === 'refusing') return { failsAfterMs: chance.between(0.2, 3) };
    if (way.state === 'stalled') return this.stalled();
    const [doneAfterMs, answerAfterMs] = [this.latencyMs(), this.latencyMs()];
    if (chance.happens(way.loss)) return this.mishap(doneAfterMs);
    if (doneAfterMs + answerAfterMs < deadlineMs) return { doneAfterMs, answerAfterMs };
    return { doneAfterMs, failsAfterMs: deadlineMs, story: 'is answered too late' };
  }

  /** It may lie in a buffer somewhere, and be done when nobody expects it any more. */
  private stalled(): Fate {
    const { chance, deadlineMs } = this.parts;
    if (chance.happens(0.7)) return { failsAfterMs: deadlineMs };
    const doneAfterMs = chance.between(0, 3 * deadlineMs);
    return { doneAfterMs, failsAfterMs: deadlineMs, story: `no answer, is done ${doneAfterMs.toFixed(0)} ms later` };
  }

  private mishap(doneAfterMs: number): Fate {
    const { chance, deadlineMs } = this.parts;
    // A connection that is reset tells at once; one that is silent, at the deadline.
    const failsAfterMs = chance.happens(0.5) ? deadlineMs : doneAfterMs + chance.between(0, 50);
    const kind = chance.weighted({ request: 1, answer: 1, late: 1 });
    if (kind === 'request') return { failsAfterMs, story: 'the request is lost' };
    if (kind === 'answer') return { doneAfterMs, failsAfterMs, story: 'is done, the answer is lost' };
    const lateMs = failsAfterMs + chance.between(1, 3 * deadlineMs);
    return { doneAfterMs: lateMs, failsAfterMs, story: `is done ${lateMs.toFixed(0)} ms later` };
  }
}

async function outcomeOf<T>(act: () => T | Promise<T>): Promise<T> {
  return act();
}
