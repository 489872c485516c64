import { PodHeldBack } from '../../../src/lifecycle/lifecycle.errors.js';
import type { Pod, PodAssignment, PodOrder } from '../../../src/lifecycle/runtime/pod.js';
import { podName } from '../../../src/lifecycle/runtime/pod-name.js';
import type { Compared } from '../../../src/lifecycle/runtime/session-runtime.js';
import type { Timeouts } from '../../../src/lifecycle/session.js';
import type { Template } from '../../../src/lifecycle/templates/template.js';
import type { Chance } from '../engine/chance.js';
import type { Story } from '../engine/story.js';
import type { VirtualTime } from '../engine/virtual-time.js';
import type { AddressPool } from './address-pool.js';
import { PodLife, type PodManners } from './pod-life.js';

export interface ClusterParts {
  time: VirtualTime;
  chance: Chance;
  story: Story;
  addresses: AddressPool;
  manners: PodManners;
  nowMs: () => number;
}

type Watcher = (pod: Pod, gone: boolean) => void;

/** What Berth itself did to a pod, for the checks. */
export type Deed = (what: 'deleted', pod: Pod) => void;

const NODES = ['node-1', 'node-2', 'node-3'];
const CRASHES_OF_A_LOOP = 3;
const SLOW_START_MS = [1_000, 45_000] as const;

/**
 * Kubernetes as Berth's runtime port shows it: objects with names that are unique while they stand, a uid for ever and a
 * revision that every change moves, whoever makes it; deletion in two steps; and behind each object a life on a node that
 * is reported late. What one replica is told of it, and when, is the business of its `ClusterLink`.
 */
export class SimulatedCluster {
  readonly pods = new Map<string, Pod>();
  readonly lives = new Map<string, PodLife>();
  /** A quota is used up. */
  isFull = false;
  startsSlowly = false;
  deed: Deed = () => undefined;
  private readonly names = new Map<string, string>();
  private readonly watchers = new Set<Watcher>();
  private readonly listeners = new Set<(uid: string) => void>();
  private revisions = 0;
  private uids = 0;

  constructor(private readonly parts: ClusterParts) {}

  create({ definition, ...assignment }: PodOrder): Pod | 'name-taken' {
    const name = podName(assignment.id, assignment.generation);
    const standing = this.named(name);
    if (standing) return isAdoptable(standing, assignment) ? standing : 'name-taken';
    return this.make(name, definition, assignment);
  }

  createWarm(definition: Template, name: string): Pod {
    return this.make(name, definition, undefined);
  }

  claim(warm: Pod, { definition: _, ...assignment }: PodOrder): Compared {
    const isFree = warm.wasWarm && !warm.assignment && warm.markedUntilMs === undefined && !warm.deleting;
    if (!isFree) return this.named(warm.name) ? 'changed' : 'absent';
    const claimed = this.compared(warm, { assignment });
    if (typeof claimed === 'object') this.lives.get(claimed.uid)!.assignment ??= assignment;
    return claimed;
  }

  mark(pod: Pod, markedUntilMs: number): Compared {
    return this.compared(pod, { markedUntilMs });
  }

  unmark(pod: Pod): Compared {
    if (pod.deleting) return this.named(pod.name) ? 'changed' : 'absent';
    return this.compared(pod, { markedUntilMs: undefined });
  }

  annotate(pod: Pod, facts: { lastUsedAtMs?: number; timeouts?: Timeouts }): Compared | 'marked' {
    const standing = this.named(pod.name);
    if (pod.markedUntilMs !== undefined) {
      if (!standing) return 'absent';
      return standing.uid === pod.uid && standing.markedUntilMs !== undefined ? 'marked' : 'changed';
    }
    const { lastUsedAtMs, timeouts } = facts;
    const assignment = pod.assignment && { ...pod.assignment, ...definedIn(timeouts) };
    return this.compared(pod, { ...(lastUsedAtMs !== undefined && { lastUsedAtMs }), assignment });
  }

  delete(pod: Pod): 'ending' | 'changed' | 'absent' {
    if (pod.markedUntilMs === undefined) return this.named(pod.name) ? 'changed' : 'absent';
    const standing = this.standing(pod);
    if (typeof standing === 'string') return standing;
    this.remove(standing);
    return 'ending';
  }

  /** The deletion itself: by Berth, whose preconditions held. */
  remove(standing: Pod): void {
    this.deed('deleted', standing);
    this.endOf(standing);
  }

  named(name: string): Pod | undefined {
    const uid = this.names.get(name);
    return uid === undefined ? undefined : this.pods.get(uid);
  }

  all(): readonly Pod[] {
    return [...this.pods.values()];
  }

  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** Told the moment that a pod answers, as one who keeps asking it would be. */
  onListening(listener: (uid: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Who answers at this address. */
  at(address: string): PodLife | undefined {
    for (const life of this.lives.values()) if (life.address === address && !life.isOver) return life;
    return undefined;
  }

  /** By a person, with kubectl. Forced: the object is gone at once, whatever still runs. */
  deleteByHand(pod: Pod, isForced: boolean): void {
    if (!isForced) return this.endOf(pod);
    this.lives.get(pod.uid)?.end();
    this.forget(pod.uid);
  }

  evict(pod: Pod, reason: string): void {
    const life = this.lives.get(pod.uid);
    if (!life || life.isOver) return;
    life.vanish();
    const failure = { reason, message: 'The node takes the pod away.' };
    this.change(pod.uid, { phase: 'dead', crashed: false, failure });
  }

  /** Nothing on it answers, and the cluster gives its pods up after a while. */
  loseNode(node: string, afterMs: number): void {
    const lost = [...this.lives.values()].filter((life) => life.node === node && !life.isOver);
    for (const life of lost) life.isLost = true;
    this.parts.time.after(afterMs, () => {
      for (const { uid } of lost) {
        const failure = { reason: 'DeletionByTaintManager', message: 'The node is not there.' };
        this.change(uid, { phase: 'dead', crashed: false, failure, deleting: true });
      }
    });
    this.parts.time.after(afterMs * 2, () => {
      for (const life of lost) {
        if (life.isOver) this.over(life.uid);
        else life.vanish();
      }
    });
  }

  private make(name: string, definition: Template, assignment: PodAssignment | undefined): Pod {
    if (this.isFull) throw new PodHeldBack('QuotaExceeded', 'exceeded quota: pods');
    const uid = `u${(this.uids += 1)}`;
    const node = this.parts.chance.oneOf(NODES);
    const life = this.bear(uid, node);
    life.assignment = assignment;
    this.names.set(name, uid);
    const made = { createdAtMs: this.parts.nowMs(), template: definition.name, templateHash: definition.hash };
    const state = { phase: 'starting' as const, restarts: 0, deleting: false, wasWarm: assignment === undefined };
    const pod = this.show({ name, uid, node, revision: '', assignment, ...made, ...state });
    life.begin(this.startsSlowly ? SLOW_START_MS : this.parts.manners.startMs);
    return pod;
  }

  private bear(uid: string, node: string): PodLife {
    const { time, chance, manners, addresses } = this.parts;
    const report = {
      placed: (address: string) => this.change(uid, { address }),
      ready: () => this.change(uid, { phase: 'ready', failure: undefined }),
      crashed: (shortRuns: number) => this.crashed(uid, shortRuns),
      over: () => this.over(uid),
      listening: () => {
        for (const listener of this.listeners) listener(uid);
      },
    };
    const life = new PodLife(uid, node, { time, chance, manners, addresses, report });
    this.lives.set(uid, life);
    return life;
  }

  private crashed(uid: string, shortRuns: number): void {
    const pod = this.pods.get(uid);
    if (!pod || pod.deleting) return;
    const failure = { reason: 'Exited', message: 'The container exited with code 1.' };
    const isLoop = shortRuns >= CRASHES_OF_A_LOOP;
    if (isLoop) this.change(uid, { phase: 'dead', crashed: true, restarts: pod.restarts + 1, failure });
    else this.change(uid, { phase: 'restarting', restarts: pod.restarts + 1, failure });
  }

  /** The object of a pod that was deleted goes with its containers; that of one that was evicted stays. */
  private over(uid: string): void {
    if (this.pods.get(uid)?.deleting) this.forget(uid);
    else if (!this.pods.has(uid)) this.lives.delete(uid);
  }

  private endOf(pod: Pod): void {
    const life = this.lives.get(pod.uid)!;
    this.show({ ...pod, deleting: true });
    if (life.isOver) this.forget(pod.uid);
    else life.end();
  }

  private forget(uid: string): void {
    const pod = this.pods.get(uid);
    if (!pod) return;
    this.pods.delete(uid);
    this.names.delete(pod.name);
    if (this.lives.get(uid)?.isOver) this.lives.delete(uid);
    this.parts.story.tell('cluster', `${short(pod)} is gone`);
    for (const watcher of this.watchers) watcher(pod, true);
  }

  /** The node or the cluster changes what it shows. Dead stays dead. */
  private change(uid: string, facts: Partial<Pod>): void {
    const pod = this.pods.get(uid);
    if (!pod || (pod.phase === 'dead' && facts.phase !== undefined && facts.phase !== 'dead')) return;
    this.show({ ...pod, ...facts });
  }

  private standing(pod: Pod): Pod | 'changed' | 'absent' {
    const standing = this.named(pod.name);
    if (!standing) return 'absent';
    return standing.uid === pod.uid && standing.revision === pod.revision ? standing : 'changed';
  }

  private compared(pod: Pod, facts: Partial<Pod>): Compared {
    const standing = this.standing(pod);
    return typeof standing === 'string' ? standing : this.show({ ...standing, ...facts });
  }

  private show(pod: Pod): Pod {
    const shown: Pod = Object.freeze({ ...pod, revision: String((this.revisions += 1)) });
    this.pods.set(pod.uid, shown);
    this.parts.story.tell('cluster', described(shown));
    for (const watcher of this.watchers) watcher(shown, false);
    return shown;
  }
}

function definedIn(timeouts: Timeouts = {}): Timeouts {
  return Object.fromEntries(Object.entries(timeouts).filter(([, ms]) => ms !== undefined));
}

function isAdoptable({ assignment, markedUntilMs, deleting }: Pod, order: PodAssignment): boolean {
  const isSame = assignment?.id === order.id && assignment.owner === order.owner;
  return isSame && assignment.generation === order.generation && markedUntilMs === undefined && !deleting;
}

export function short({ uid, assignment, name }: Pod): string {
  return assignment ? `pod ${uid} (${assignment.id}, generation ${assignment.generation})` : `pod ${uid} (${name})`;
}

function described(pod: Pod): string {
  const facts = [pod.phase, pod.address ?? '', pod.restarts > 0 ? `restarts ${pod.restarts}` : ''];
  if (pod.markedUntilMs !== undefined) facts.push('MARKED');
  if (pod.deleting) facts.push('DELETING');
  if (pod.lastUsedAtMs !== undefined) facts.push('use written');
  return `${short(pod)} is ${facts.filter((fact) => fact !== '').join(' ')} at revision ${pod.revision}`;
}
