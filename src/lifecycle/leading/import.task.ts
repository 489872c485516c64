import { Logger } from '../../platform/logger.js';
import type { Pod } from '../runtime/pod.js';
import { SessionRuntime } from '../runtime/session-runtime.js';
import type { SessionId } from '../session-id.js';
import { type ImportToken, SessionStore } from '../store/session-store.js';
import { SessionDirectory } from '../view/session-directory.js';
import { Calm } from './calm.js';
import type { LeaderPass } from './leader-pass.js';

const LOOK_EVERY_MS = 1_000;
/** On their way together. */
const AT_ONCE = 100;

/**
 * Gives a store that lost its memory back what the pods themselves bear witness to. Until this has finished nothing
 * is created, healed or reaped; afterwards every session counts as used just now.
 */
export class ImportTask implements LeaderPass {
  readonly name = 'import';

  constructor(
    private readonly parts: { store: SessionStore; runtime: SessionRuntime; sessions: SessionDirectory },
    private readonly calm: Calm,
    private readonly imported: () => void,
    private readonly logger: Logger,
  ) {}

  async pass(): Promise<{ againInMs: number }> {
    const token = await this.parts.store.beginImport();
    if (token !== 'not-needed') await this.import(token);
    return { againInMs: LOOK_EVERY_MS };
  }

  private async import(token: ImportToken): Promise<void> {
    this.calm.broken();
    const living = (await this.parts.runtime.list()).filter(isLiving);
    const sessions = this.witnessesAmong(living);
    for (let at = 0; at < sessions.length; at += AT_ONCE) {
      const some = sessions.slice(at, at + AT_ONCE);
      const outcomes = await Promise.all(some.map((pods) => this.importSession(token, pods)));
      if (outcomes.includes('void')) return;
    }
    const outcome = await this.parts.store.finishImport(token, new Set(living.map(({ uid }) => uid)));
    if (outcome === 'void') return;
    this.logger.info({ event: 'store.imported', pods: sessions.length }, 'The store knows the running pods.');
    this.imported();
  }

  /** Until one is believed. Told of two at a time, the store might hear of the lower one first, and believe that for a moment. */
  private async importSession(token: ImportToken, pods: readonly Pod[]): Promise<'imported' | 'outranked' | 'void'> {
    for (const pod of pods) {
      const outcome = await this.parts.store.importPod(token, pod);
      if (outcome !== 'outranked') return outcome;
    }
    return 'outranked';
  }

  /** The pods of each session, the best witness first. */
  private witnessesAmong(living: readonly Pod[]): Pod[][] {
    const bySession = new Map<SessionId, Pod[]>();
    for (const pod of [...living].sort((one, other) => this.compare(one, other))) {
      if (!pod.assignment) continue;
      const { id } = pod.assignment;
      bySession.set(id, [...(bySession.get(id) ?? []), pod]);
    }
    return [...bySession.values()];
  }

  /**
   * The highest generation first; of two pods of the same one, as a claim leaves that was answered late, the pod that was
   * the session's as far as is known here.
   */
  private compare(one: Pod, other: Pod): number {
    const higher = (other.assignment?.generation ?? 0) - (one.assignment?.generation ?? 0);
    return higher || Number(this.isNamed(other)) - Number(this.isNamed(one));
  }

  private isNamed({ assignment, uid }: Pod): boolean {
    return assignment !== undefined && this.parts.sessions.find(assignment.id)?.pod?.uid === uid;
  }
}

/** Also one that cannot be read here, as of a later version: a record that names it stays as it is. */
function isLiving({ markedUntilMs, deleting }: Pod): boolean {
  return markedUntilMs === undefined && !deleting;
}
