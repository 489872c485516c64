import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';

/** Node reads all that has arrived in one turn. Whoever is read after so long in a turn has waited as long, at least. */
const LONG_TURN_MS = 100;
/** Fewer in a long turn are no crowd: a process that gets little of a busy machine serves them late, but serves them. */
const CROWD = 250;
/** One long turn is a pause (a collection of garbage, a big import); only when turns stay long is there too much to do. */
const SUSTAINED_MS = 1_000;
/** So long without a refusal, and it is over. */
const CALM_MS = 1_000;

/**
 * Tells when requests come faster than one core can serve them: then the rest of each turn that has become long is
 * refused, which costs a quarter of serving it, so that those who are served are served soon.
 */
export class Overload {
  private turnBeganMs?: number;
  private readInTurn = 0;
  private turnEndedMs = -Infinity;
  /** Since when turns are long and crowded, or requests were refused. */
  private behindSinceMs?: number;
  private lastRefusedMs = -Infinity;
  private refused = 0;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    /** Calls back when all that had arrived was read. */
    private readonly afterTurn: (run: () => void) => void = setImmediate,
  ) {}

  /** To be asked once for each request, as it is read. */
  refuses(): boolean {
    const nowMs = this.clock.monotonicMs();
    if (this.turnBeganMs === undefined) this.beginTurn(nowMs);
    this.readInTurn += 1;
    if (!this.isTooMuch(nowMs) || this.behindSinceMs === undefined || nowMs - this.behindSinceMs < SUSTAINED_MS)
      return false;
    if (this.refused === 0) this.tellBegin();
    this.refused += 1;
    this.lastRefusedMs = nowMs;
    return true;
  }

  private beginTurn(nowMs: number): void {
    // There was nothing to do for a while.
    if (nowMs - this.turnEndedMs > LONG_TURN_MS) this.keepUp(nowMs);
    this.turnBeganMs = nowMs;
    this.afterTurn(() => this.endTurn());
  }

  private endTurn(): void {
    const nowMs = this.clock.monotonicMs();
    if (this.isTooMuch(nowMs)) this.behindSinceMs ??= this.turnBeganMs;
    else this.keepUp(nowMs);
    this.turnBeganMs = undefined;
    this.readInTurn = 0;
    this.turnEndedMs = nowMs;
  }

  private isTooMuch(nowMs: number): boolean {
    return this.readInTurn > CROWD && nowMs - this.turnBeganMs! > LONG_TURN_MS;
  }

  private keepUp(nowMs: number): void {
    if (nowMs - this.lastRefusedMs < CALM_MS) return;
    this.behindSinceMs = undefined;
    if (this.refused > 0) this.tellEnd();
    this.refused = 0;
  }

  private tellBegin(): void {
    this.logger.warn({ event: 'edge.overloaded' }, 'More requests come than this replica can serve; some are refused.');
  }

  private tellEnd(): void {
    this.logger.info({ event: 'edge.keeping-up', refused: this.refused }, 'This replica keeps up again.');
  }
}
