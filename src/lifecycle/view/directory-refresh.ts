import { Clock, pause } from '../../platform/clock.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import { SessionStore } from '../store/session-store.js';
import { SessionDirectory } from './session-directory.js';

const PAGE = 500;
const TRY_AGAIN_MS = 1_000;

/**
 * Puts the view of the sessions right by reading all of them from the store: for the leader's reconciliation, and when
 * notifications were missed. What is known is kept until the store has answered: while it is away, or has lost its
 * memory, known sessions are still served.
 */
export class DirectoryRefresh {
  private isWanted = false;
  private running?: Promise<void>;
  private readonly end = new AbortController();

  constructor(
    private readonly store: SessionStore,
    private readonly directory: SessionDirectory,
    private readonly clock: Clock,
  ) {}

  /** Reads everything, soon and until it has succeeded once from beginning to end. */
  soon(): void {
    this.isWanted = true;
    this.running ??= this.untilDone().finally(() => (this.running = undefined));
  }

  stop(): void {
    this.end.abort();
  }

  /** One reading of everything; `visit` sees each session that the store has. */
  async all(signal: AbortSignal, visit: (session: Session) => void = () => {}): Promise<void> {
    const known = this.directory.all();
    const stored = new Set<SessionId>();
    let cursor: string | undefined;
    do {
      const page = await this.store.list({ limit: PAGE, cursor });
      for (const session of page.sessions) {
        stored.add(session.id);
        this.directory.note(session);
        visit(session);
      }
      cursor = page.next;
    } while (cursor !== undefined && !signal.aborted);
    for (const { id } of known) if (!stored.has(id) && !signal.aborted) await this.lookUp(id);
  }

  /** Ended meanwhile, or gone with the store's memory. */
  private async lookUp(id: SessionId): Promise<void> {
    const session = await this.store.find(id);
    if (session) this.directory.note(session);
    else this.directory.forget(id);
  }

  private async untilDone(): Promise<void> {
    const { signal } = this.end;
    while (this.isWanted && !signal.aborted) {
      this.isWanted = false;
      await this.all(signal).catch(() => (this.isWanted = true));
      if (this.isWanted) await pause(this.clock, TRY_AGAIN_MS, signal);
    }
  }
}
