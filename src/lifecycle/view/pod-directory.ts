import type { Pod } from '../runtime/pod.js';
import { type PodWatch, SessionRuntime } from '../runtime/session-runtime.js';
import type { SessionId } from '../session-id.js';
import type { NamedPod } from '../session.js';

/** A watch is renewed well within this time when nothing else happens. */
export const LONGEST_SILENCE_MS = 60_000;

type Listener = (pod: Pod, before: Pod | undefined, gone: boolean) => void;

/** This replica's view of the pods, fed by the runtime's watch. Not to be decided on before it is synced. */
export class PodDirectory {
  private readonly pods = new Map<string, Pod>();
  private readonly bySession = new Map<SessionId, Set<string>>();
  private readonly unassigned = new Set<string>();
  private readonly listeners = new Set<Listener>();
  private watch?: PodWatch;

  constructor(private readonly runtime: SessionRuntime) {}

  start(): void {
    this.watch = this.runtime.watch((pod, gone) => this.take(pod, gone));
  }

  async stop(): Promise<void> {
    await this.watch?.stop();
  }

  ageMs(): number | 'unsynced' {
    return this.watch?.ageMs() ?? 'unsynced';
  }

  isSynced(): boolean {
    return this.ageMs() !== 'unsynced';
  }

  /** Synced, and heard of lately: what is missing here is missing, as far as one can know without asking. */
  isCurrent(): boolean {
    const ageMs = this.ageMs();
    return ageMs !== 'unsynced' && ageMs <= LONGEST_SILENCE_MS;
  }

  /** Why nothing is heard of the runtime now; undefined: it is, or that is not known yet. */
  trouble(): string | undefined {
    return this.watch?.hearing?.().trouble;
  }

  /** For how long the runtime has been there, as far as this replica noticed; Infinity: always. */
  unbrokenMs(): number {
    return this.watch?.hearing?.().unbrokenMs ?? Infinity;
  }

  find(uid: string | undefined): Pod | undefined {
    return uid === undefined ? undefined : this.pods.get(uid);
  }

  /**
   * The pod that a ready record names, if requests can be sent there now. Whoever made it ready has reached it, which
   * this view may not have heard of yet.
   */
  reachable(named: NamedPod | undefined): Pod | undefined {
    const pod = this.find(named?.uid);
    if (pod?.phase === 'starting' && named?.address !== undefined) return { ...pod, address: named.address };
    return pod?.phase === 'ready' && pod.address !== undefined ? pod : undefined;
  }

  ofSession(id: SessionId): readonly Pod[] {
    const uids = this.bySession.get(id);
    return uids ? [...uids].flatMap((uid) => this.pods.get(uid) ?? []) : [];
  }

  /** Pods that no session has yet. */
  warm(): readonly Pod[] {
    return [...this.unassigned].flatMap((uid) => this.pods.get(uid) ?? []);
  }

  all(): readonly Pod[] {
    return [...this.pods.values()];
  }

  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private take(pod: Pod, gone: boolean): void {
    const before = this.pods.get(pod.uid);
    if (gone) this.drop(pod);
    else this.keep(pod);
    for (const listener of this.listeners) listener(pod, before, gone);
  }

  private keep(pod: Pod): void {
    this.pods.set(pod.uid, pod);
    if (!pod.assignment) return void this.unassigned.add(pod.uid);
    this.unassigned.delete(pod.uid);
    const uids = this.bySession.get(pod.assignment.id) ?? new Set();
    this.bySession.set(pod.assignment.id, uids.add(pod.uid));
  }

  private drop(pod: Pod): void {
    this.pods.delete(pod.uid);
    this.unassigned.delete(pod.uid);
    const uids = pod.assignment && this.bySession.get(pod.assignment.id);
    if (!uids?.delete(pod.uid) || uids.size > 0) return;
    this.bySession.delete(pod.assignment!.id);
  }
}
