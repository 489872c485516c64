import type { Clock, Timer } from '../../platform/clock.js';
import { type Slotted, Slots } from './slots.js';

/** Something that must not be silent for too long. */
export interface Watched extends Slotted {
  /** The client's connection: whatever moves in either direction passes here. */
  readonly socket: { readonly bytesRead: number; readonly bytesWritten: number };
  /** How long silence may last now; 0: for ever. Changes as a request goes on. */
  quietLimitMs(): number;
  /** It was silent for longer than that. */
  onQuiet(): void;
  /** The watch's own notes. */
  seenBytes: number;
  movedAtMs: number;
}

const SHORTEST_PERIOD_MS = 25;
const LONGEST_PERIOD_MS = 5_000;
/** A limit is overrun by this part of it at the most. */
const PERIODS_PER_LIMIT = 8;

/**
 * Time-outs of silence for everything in flight. One sweep compares byte counters instead of a timer set back by
 * every chunk, and it sees both directions: a slow upload keeps an answer alive and the other way round. None of this
 * limits how long a stream may last.
 */
export class StreamWatch {
  private readonly watched = new Slots<Watched>();
  private timer?: Timer;
  private readonly periodMs: number;

  constructor(
    private readonly clock: Clock,
    shortestLimitMs: number,
  ) {
    const wanted = shortestLimitMs / PERIODS_PER_LIMIT;
    this.periodMs = Math.min(Math.max(wanted, SHORTEST_PERIOD_MS), LONGEST_PERIOD_MS);
  }

  /** Silence counts from now. */
  add(one: Watched): void {
    one.seenBytes = bytesOf(one);
    one.movedAtMs = this.clock.monotonicMs();
    this.watched.add(one);
    this.timer ??= this.clock.after(this.periodMs, this.beat);
  }

  remove(one: Watched): void {
    this.watched.delete(one);
  }

  get size(): number {
    return this.watched.size;
  }

  private readonly beat = (): void => {
    const nowMs = this.clock.monotonicMs();
    for (const one of this.watched.toArray()) this.look(one, nowMs);
    this.timer = this.watched.size > 0 ? this.clock.after(this.periodMs, this.beat) : undefined;
  };

  private look(one: Watched, nowMs: number): void {
    const bytes = bytesOf(one);
    if (bytes !== one.seenBytes) {
      one.seenBytes = bytes;
      one.movedAtMs = nowMs;
      return;
    }
    const limitMs = one.quietLimitMs();
    if (limitMs === 0 || nowMs - one.movedAtMs < limitMs) return;
    this.watched.delete(one);
    one.onQuiet();
  }
}

function bytesOf({ socket }: Watched): number {
  return socket.bytesRead + socket.bytesWritten;
}
