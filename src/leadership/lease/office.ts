import type { Clock, Timer } from '../../platform/clock.js';
import type { LeaderTasks } from '../leader-tasks.js';
import type { LeaderNews } from './leader-news.js';
import { Term } from './term.js';

export interface OfficeParts {
  clock: Clock;
  tasks: LeaderTasks;
  news: LeaderNews;
  /** For how long nobody else can lead after the term is over. */
  graceMs: number;
}

/** One term and the tasks that run in it. It is vacant only when the last of them has returned. */
export class Office {
  isVacant = false;
  private readonly term: Term;
  private reason?: string;
  private complaint?: Timer;

  constructor(
    private readonly parts: OfficeParts,
    untilMs: number,
  ) {
    this.term = new Term(parts.clock, untilMs);
  }

  enter(vacated: () => void): void {
    void this.parts.tasks.run(this.term.signal).then(() => {
      this.isVacant = true;
      this.complaint?.cancel();
      vacated();
    });
  }

  isOver(): boolean {
    return this.term.isOver();
  }

  prolong(untilMs: number): void {
    this.term.prolong(untilMs);
  }

  /** Tells the tasks to return, and holds the lead meanwhile. */
  callOff(): void {
    this.term.callOff();
  }

  /** Again and again, if need be; told once. */
  lose(why: string): void {
    this.term.end();
    if (this.reason !== undefined) return;
    this.reason = why;
    this.parts.news.lost(why);
    if (!this.isVacant) this.complaint = this.parts.clock.after(this.parts.graceMs, () => this.complain());
  }

  /** After the last look at it. */
  close(): void {
    this.term.end();
    this.complaint?.cancel();
    if (!this.isVacant) this.complain();
  }

  private complain(): void {
    this.parts.news.tasksLate(this.parts.tasks.running);
  }
}
