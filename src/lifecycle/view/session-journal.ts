import type { Pod } from '../runtime/pod.js';
import type { SessionId } from '../session-id.js';
import type { SessionEvent } from '../sessions.js';
import type { Session } from '../session.js';
import { PodDirectory } from './pod-directory.js';
import { SessionDirectory } from './session-directory.js';
import { SessionViews } from './session-views.js';

/** A reader that is this far behind is let go; it can come back and see what is true then. */
const MOST_UNREAD = 1_000;

/** Tells of one session's transitions as they are seen here. */
export class SessionJournal {
  constructor(
    private readonly sessions: SessionDirectory,
    private readonly pods: PodDirectory,
    private readonly views: SessionViews,
  ) {}

  /**
   * Begins with what is true now; ends with the signal, or when the session has ended. It listens from this call on,
   * not from the first time it is read.
   */
  follow(now: Session, signal: AbortSignal): AsyncIterable<SessionEvent> {
    const unread = new Unread();
    const first = this.views.of(now);
    unread.add({ event: first.state, session: first });
    const stop = [
      this.sessions.onChange((session, before) => session.id === now.id && this.changed(session, before, unread)),
      this.pods.onChange((pod, before) => this.podChanged(now.id, pod, before, unread)),
    ];
    unread.onEnd(() => {
      for (const unsubscribe of stop) unsubscribe();
    });
    if (signal.aborted) unread.end();
    else signal.addEventListener('abort', () => unread.end(), { once: true });
    return unread;
  }

  private changed(session: Session, before: Session | undefined, unread: Unread): void {
    const view = this.views.of(session);
    const isSame = before && this.views.of(before).state === view.state && before.generation === session.generation;
    if (!isSame) unread.add({ event: view.state, session: view });
    if (session.state === 'ended') unread.end();
  }

  private podChanged(id: SessionId, pod: Pod, before: Pod | undefined, unread: Unread): void {
    const session = this.sessions.find(id);
    if (!session || session.pod?.uid !== pod.uid || pod.restarts <= (before?.restarts ?? 0)) return;
    unread.add({ event: 'restarted', session: this.views.of(session) });
  }
}

/** Events between the one who tells and the one who reads. */
class Unread implements AsyncIterable<SessionEvent> {
  private readonly events: SessionEvent[] = [];
  private isEnded = false;
  private wake: () => void = () => {};
  private ended: () => void = () => {};

  onEnd(ended: () => void): void {
    this.ended = ended;
  }

  add(event: SessionEvent): void {
    if (this.events.push(event) > MOST_UNREAD) this.end();
    this.wake();
  }

  end(): void {
    this.isEnded = true;
    this.ended();
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SessionEvent> {
    try {
      for (;;) {
        const event = this.events.shift();
        if (event) yield event;
        else if (this.isEnded) return;
        else await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      this.end();
    }
  }
}
