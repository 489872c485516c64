import type { Session } from '../session.js';

export interface Watcher {
  changed(session: Session): void;
  missedSome(): void;
}

/** Who is told what changes. A watcher that fails is at fault itself: the change is made, and the others are told. */
export class Watchers<Kind extends Watcher = Watcher> {
  private readonly watchers = new Set<Kind>();

  /** Returns how to stop; that may be done twice, and from within. */
  add(watcher: Kind): () => void {
    const own = { ...watcher };
    this.watchers.add(own);
    return () => this.watchers.delete(own);
  }

  changed(session: Session, isMeant: (watcher: Kind) => boolean = () => true): void {
    this.each((watcher) => isMeant(watcher) && watcher.changed(session));
  }

  missedSome(): void {
    this.each((watcher) => watcher.missedSome());
  }

  each(what: (watcher: Kind) => unknown): void {
    for (const watcher of this.watchers) {
      try {
        what(watcher);
      } catch (error) {
        const why = error instanceof Error ? error.stack : String(error);
        process.emitWarning(`a watcher of sessions failed: ${why}`);
      }
    }
  }
}
