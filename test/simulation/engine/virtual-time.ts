import type { Timer } from '../../../src/platform/clock.js';

interface Happening {
  atMs: number;
  /** Of two for the same moment the one set first happens first. */
  order: number;
  /** Absent once it was taken back. */
  run?: () => void;
}

/** So many steps are taken in one turn of the event loop; what each sets off settles before the next one. */
const STEPS_IN_A_TURN = 256;

/**
 * Time that passes from one happening to the next. Each happening is an immediate of its own: Node runs every promise
 * that can settle between two of them, so nothing is left over from one step when the next begins, and hundreds of
 * steps share one turn of the event loop.
 */
export class VirtualTime {
  nowMs = 0;
  steps = 0;
  private orders = 0;
  private readonly heap: Happening[] = [];
  private stopRun: () => void = () => undefined;

  after(ms: number, run: () => void): Timer {
    return this.at(this.nowMs + Math.max(0, ms), run);
  }

  at(atMs: number, run: () => void): Timer {
    const happening: Happening = { atMs: Math.max(atMs, this.nowMs), order: this.orders++, run };
    this.push(happening);
    return { cancel: () => (happening.run = undefined) };
  }

  /** Runs to this moment, or until `stop`; `settled` is called after each step, when all that it set off has settled. */
  runUntil(untilMs: number, settled: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (settle: () => void): void => {
        isOver = true;
        settle();
      };
      this.stopRun = () => end(resolve);
      const step = (): void => {
        if (isOver) return;
        try {
          settled();
          if (!isOver && !this.happenNext(untilMs)) end(resolve);
        } catch (error) {
          end(() => reject(asError(error)));
        }
      };
      const turn = (): void => {
        if (isOver) return;
        for (let steps = 0; steps < STEPS_IN_A_TURN; steps += 1) setImmediate(step);
        setImmediate(turn);
      };
      turn();
    });
  }

  stop(): void {
    this.stopRun();
  }

  private happenNext(untilMs: number): boolean {
    let next = this.pop();
    while (next && !next.run) next = this.pop();
    if (!next || next.atMs > untilMs) {
      if (next) this.push(next);
      this.nowMs = untilMs;
      return false;
    }
    this.nowMs = next.atMs;
    this.steps += 1;
    next.run!();
    return true;
  }

  private push(happening: Happening): void {
    const { heap } = this;
    let at = heap.push(happening) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isEarlier(heap[parent]!, happening)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = happening;
  }

  private pop(): Happening | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0) this.sink(last!);
    return first;
  }

  private sink(happening: Happening): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isEarlier(heap[child + 1]!, heap[child]!)) child += 1;
      if (isEarlier(happening, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = happening;
  }
}

function isEarlier(a: Happening, b: Happening): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
