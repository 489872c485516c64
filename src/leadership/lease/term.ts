import type { Clock, Timer } from '../../platform/clock.js';

/**
 * The time for which a replica holds the lead: until `untilMs`, unless it is prolonged before. A term that is over
 * stays so, and its tasks have been told then.
 *
 * A process that was paused may run other timers and answers first when it wakes up. So the tasks' signal looks at the
 * clock whenever somebody looks at the signal: whoever asks it before acting hears at once that the term is over,
 * however the event loop is ordered. Who only listens to it hears that when the timer here has run.
 */
export class Term {
  private readonly tasks = new AbortController();
  private timer: Timer;
  private hasEnded = false;

  constructor(
    private readonly clock: Clock,
    private untilMs: number,
  ) {
    makeLookAtTheClock(this.signal, () => this.isOver());
    this.timer = this.endLater();
  }

  /** For the tasks: it fires when they have to return. */
  get signal(): AbortSignal {
    return this.tasks.signal;
  }

  isOver(): boolean {
    if (!this.hasEnded && this.clock.monotonicMs() >= this.untilMs) this.end();
    return this.hasEnded;
  }

  prolong(untilMs: number): void {
    if (this.isOver()) return;
    this.untilMs = untilMs;
    this.timer.cancel();
    this.timer = this.endLater();
  }

  /** Tells the tasks to return; the lead is held on to meanwhile. */
  callOff(): void {
    this.tasks.abort();
  }

  end(): void {
    this.hasEnded = true;
    this.timer.cancel();
    this.tasks.abort();
  }

  private endLater(): Timer {
    return this.clock.after(this.untilMs - this.clock.monotonicMs(), () => this.isOver());
  }
}

function makeLookAtTheClock(signal: AbortSignal, isOver: () => boolean): void {
  const native = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')!;
  const throwIfAborted = signal.throwIfAborted.bind(signal);
  Object.defineProperties(signal, {
    aborted: { get: () => isOver() || (native.get!.call(signal) as boolean) },
    throwIfAborted: { value: () => void (isOver(), throwIfAborted()) },
  });
}
