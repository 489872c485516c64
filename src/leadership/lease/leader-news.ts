import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';

/** Tells the log who leads, and that the lease cannot be reached: once when that begins and once when it ends. */
export class LeaderNews {
  private leader = '';
  private awaySinceMs?: number;

  constructor(
    private readonly identity: string,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  elected(transitions: number): void {
    this.leader = this.identity;
    this.logger.info({ event: 'leader.elected', leader: this.identity, transitions }, 'This replica leads now');
  }

  lost(why: string): void {
    this.leader = '';
    this.logger.warn({ event: 'leader.lost', leader: this.identity, why }, `This replica leads no longer: ${why}`);
  }

  seen(holder: string): void {
    if (holder === '' || holder === this.identity || holder === this.leader) return;
    this.leader = holder;
    this.logger.info({ event: 'leader.changed', leader: holder }, 'Another replica leads now');
  }

  tasksLate(tasks: readonly string[]): void {
    this.logger.error(
      { event: 'leader.tasks-late', tasks },
      'Tasks of the leader have not returned although they were told to; another replica may lead beside them',
    );
  }

  released(): void {
    this.logger.info({ event: 'leader.released', leader: this.identity }, 'The lease is free for another replica');
  }

  notReleased(error: unknown): void {
    const sentence = 'The lease could not be released; another replica leads when it has expired';
    this.logger.warn({ event: 'leader.not-released', error }, sentence);
  }

  unreachable(error: unknown): void {
    if (this.awaySinceMs !== undefined) return;
    this.awaySinceMs = this.clock.monotonicMs();
    this.logger.warn({ event: 'leader.lease-unreachable', error }, 'The lease cannot be read or written; trying on');
  }

  reachable(): void {
    if (this.awaySinceMs === undefined) return;
    const awayMs = Math.round(this.clock.monotonicMs() - this.awaySinceMs);
    this.awaySinceMs = undefined;
    this.logger.info({ event: 'leader.lease-reachable', awayMs }, 'The lease can be read and written again');
  }
}
