import type { Session } from '../../../src/lifecycle/session.js';
import type { Chance } from '../engine/chance.js';
import type { Link } from '../engine/link.js';
import type { SimulatedProcess } from '../engine/simulated-process.js';
import type { VirtualTime } from '../engine/virtual-time.js';
import type { SimulatedStore } from './simulated-store.js';

const LOOK_EVERY_MS = 2_000;
const LOOK_AGAIN_MS = 250;

/** How the notifications of one replica fare. */
export interface Hearing {
  /** How often one is lost. */
  loss: number;
  slowMs: number;
  /** When it last came to be as it should; Infinity while it is not. */
  goodSinceMs: number;
}

export interface NewsParts {
  server: SimulatedStore;
  link: Link;
  process: SimulatedProcess;
  time: VirtualTime;
  chance: Chance;
  hearing: Hearing;
  tell: (what: string) => void;
}

/**
 * What one process hears of changes in the store. In order, late, and not of all: one that is missing is noticed by the
 * next one's number, or by a look at the counter every two seconds, once the store can be asked and remembers again.
 */
export class ChangeNews {
  private hasMissedSome = false;
  private lastMs = 0;
  private isLookDue = false;

  constructor(private readonly parts: NewsParts) {}

  watch(changed: (session: Session) => void, missedSome: () => void): () => void {
    const { server } = this.parts;
    let isStopped = false;
    const tellOfMissed = (): void => {
      if (!this.hasMissedSome || isStopped) return;
      this.hasMissedSome = false;
      missedSome();
    };
    const missed = (): void => {
      this.hasMissedSome = true;
      if (!isStopped) this.lookLater(LOOK_EVERY_MS * this.parts.chance.fraction(), tellOfMissed);
    };
    const hear = (session: Session): void => {
      if (isStopped) return;
      if (server.remembers) tellOfMissed();
      changed(session);
    };
    server.onMemoryLost(missed);
    const stop = server.watch((session) => this.carry(session, hear, missed), missed);
    const mute = (): void => {
      isStopped = true;
      stop();
    };
    this.parts.process.onDeath(mute);
    return mute;
  }

  private carry(session: Session, hear: (session: Session) => void, missed: () => void): void {
    const { link, chance, time, process, hearing, tell } = this.parts;
    if (!link.isOpen || chance.happens(hearing.loss)) {
      tell(`does not hear that ${session.id} is ${session.state}`);
      return missed();
    }
    this.lastMs = Math.max(this.lastMs, time.nowMs + link.latencyMs() + chance.fraction() * hearing.slowMs);
    time.at(this.lastMs, () => process.deliver(() => hear(session)));
  }

  private lookLater(ms: number, tellOfMissed: () => void): void {
    if (this.isLookDue) return;
    this.isLookDue = true;
    this.parts.process.clock.after(ms, () => {
      this.isLookDue = false;
      void this.look(tellOfMissed);
    });
  }

  private async look(tellOfMissed: () => void): Promise<void> {
    const { link, server } = this.parts;
    const remembers = await link.call('position', () => server.remembers).catch(() => false);
    if (remembers) tellOfMissed();
    if (this.hasMissedSome) this.lookLater(LOOK_AGAIN_MS, tellOfMissed);
  }
}
