import type { Pod } from '../runtime/pod.js';
import { isOutage } from '../lifecycle.errors.js';
import { SessionRuntime } from '../runtime/session-runtime.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import { SessionStore } from '../store/session-store.js';
import { SessionDriver } from '../driving/session-driver.js';
import { DirectoryRefresh } from '../view/directory-refresh.js';
import { PodDirectory } from '../view/pod-directory.js';
import { SessionDirectory } from '../view/session-directory.js';
import type { LeaderPass } from './leader-pass.js';

/**
 * Looks both ways, in case a notification was missed or nobody was there to hear it: pods without a session, sessions
 * without a pod, starts that nobody carries on, marks without a reason. The driver does what is to be done.
 */
export class ReconcileTask implements LeaderPass {
  readonly name = 'reconcile';

  constructor(
    private readonly store: SessionStore,
    private readonly runtime: SessionRuntime,
    private readonly view: { sessions: SessionDirectory; pods: PodDirectory; refresh: DirectoryRefresh },
    private readonly driver: SessionDriver,
    private readonly everyMs: number,
  ) {}

  async pass(whileLeading: AbortSignal): Promise<{ againInMs: number }> {
    if (!this.view.pods.isCurrent()) return { againInMs: 100 };
    const unsettled = new Set<SessionId>();
    await this.view.refresh.all(whileLeading, (session) => !this.isSettled(session) && unsettled.add(session.id));
    const marked = this.lookAtPods(unsettled);
    for (const id of unsettled) this.driver.drive(id);
    for (const pod of marked) if (!whileLeading.aborted) await this.unmarkIfNamed(pod).catch(leaveToTheNextPass);
    return { againInMs: this.everyMs };
  }

  private isSettled(session: Session): boolean {
    return session.state === 'ready' && this.view.pods.find(session.pod?.uid)?.phase === 'ready';
  }

  /** Answers which pods are marked although a ready record names them. */
  private lookAtPods(unsettled: Set<SessionId>): Pod[] {
    const marked: Pod[] = [];
    for (const pod of this.view.pods.all()) {
      const { assignment } = pod;
      if (!assignment) continue;
      const session = this.view.sessions.find(assignment.id);
      if (session?.pod?.uid !== pod.uid) unsettled.add(assignment.id);
      else if (pod.markedUntilMs !== undefined && session.state === 'ready') marked.push(pod);
    }
    return marked;
  }

  /** A reaper that was refused took its mark back; one that died in between could not. */
  private async unmarkIfNamed(pod: Pod): Promise<void> {
    const isForgotten = (pod.markedUntilMs ?? 0) + this.everyMs < this.store.nowMs();
    if (isForgotten && (await this.store.isNamed(pod))) await this.runtime.unmark(pod);
  }
}

/** One pod that cannot be freed of its mark is no reason to read everything again at once. */
function leaveToTheNextPass(error: unknown): void {
  if (!isOutage(error)) throw error;
}
