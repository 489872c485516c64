import { RuntimeUnavailable } from '../../src/lifecycle/lifecycle.errors.js';
import type { Pod, PodOrder } from '../../src/lifecycle/runtime/pod.js';
import { podName } from '../../src/lifecycle/runtime/pod-name.js';
import {
  type Compared,
  type Hearing,
  type PodWatch,
  SessionRuntime,
} from '../../src/lifecycle/runtime/session-runtime.js';
import type { Template } from '../../src/lifecycle/templates/template.js';
import type { Clock } from '../../src/platform/clock.js';

type Watcher = (pod: Pod, gone: boolean) => void;

/** Pods that do what a test says: they start when told to, die when told to, and obey marks and deletes as real ones. */
export class FakeRuntime extends SessionRuntime {
  readonly pods = new Map<string, Pod>();
  readonly calls: string[] = [];
  /** Every call fails while set. */
  isAway = false;
  watchAgeMs: number | 'unsynced' = 0;
  /** When an outage ended last, by the monotonic clock. */
  backSinceMs = -Infinity;
  /** Called for each new pod, for example to make it ready. */
  onCreate: (pod: Pod) => void = () => {};
  onMark: (pod: Pod) => void | Promise<void> = () => {};
  /** A deleted pod stays, `deleting`, until the test lets it go. */
  lingers = false;
  private readonly watchers = new Set<Watcher>();
  private revisions = 0;
  private warmMade = 0;

  constructor(private readonly clock: Clock) {
    super();
  }

  create(order: PodOrder): Promise<Pod | 'name-taken'> {
    return this.call('create', () => {
      const { definition, ...assignment } = order;
      const name = podName(order.id, order.generation);
      const standing = this.byName(name);
      if (standing) return standing.markedUntilMs === undefined && !standing.deleting ? standing : 'name-taken';
      const facts = {
        name,
        uid: `uid-${this.pods.size + 1}-${name}`,
        template: definition.name,
        templateHash: definition.hash,
        assignment,
      };
      const rest = {
        phase: 'starting' as const,
        restarts: 0,
        deleting: false,
        createdAtMs: this.clock.nowMs(),
        wasWarm: false,
      };
      const pod = this.show({ ...facts, ...rest, revision: '' });
      this.onCreate(pod);
      return this.pods.get(pod.uid)!;
    });
  }

  createWarm(template: Template): Promise<Pod> {
    return this.call('createWarm', () => {
      const name = `warm-${(this.warmMade += 1)}`;
      const facts = { name, uid: `uid-${name}`, template: template.name, templateHash: template.hash, revision: '' };
      const rest = { phase: 'starting' as const, restarts: 0, deleting: false, createdAtMs: this.clock.nowMs() };
      const pod = this.show({ ...facts, ...rest, wasWarm: true });
      this.onCreate(pod);
      return this.pods.get(pod.uid)!;
    });
  }

  claim(warm: Pod, { definition: _, ...assignment }: PodOrder): Promise<Compared> {
    return this.call('claim', () => {
      const standing = this.pods.get(warm.uid);
      return standing?.assignment ? 'changed' : this.compared(warm, { assignment });
    });
  }

  async mark(pod: Pod, deleteAfterMs: number): Promise<Compared> {
    const marked = await this.call('mark', () => this.compared(pod, { markedUntilMs: deleteAfterMs }));
    if (typeof marked === 'object') await this.onMark(marked);
    return marked;
  }

  unmark(pod: Pod): Promise<Compared> {
    return this.call('unmark', () => this.compared(pod, { markedUntilMs: undefined }));
  }

  delete(marked: Pod): Promise<'ending' | 'changed' | 'absent'> {
    return this.call('delete', () => {
      if (marked.markedUntilMs === undefined) return 'changed';
      const outcome = this.compared(marked, { deleting: true });
      if (typeof outcome === 'string') return outcome;
      if (!this.lingers) this.vanish(outcome);
      return 'ending';
    });
  }

  annotate(pod: Pod, { lastUsedAtMs }: { lastUsedAtMs?: number }): Promise<Compared | 'marked'> {
    const facts = lastUsedAtMs === undefined ? {} : { lastUsedAtMs };
    return this.call('annotate', () => (pod.markedUntilMs === undefined ? this.compared(pod, facts) : 'marked'));
  }

  read(name: string): Promise<Pod | 'absent'> {
    return this.call('read', () => this.byName(name) ?? 'absent');
  }

  list(): Promise<readonly Pod[]> {
    return this.call('list', () => [...this.pods.values()]);
  }

  watch(changed: Watcher): PodWatch {
    const own: Watcher = (pod, gone) => changed(pod, gone);
    this.watchers.add(own);
    for (const pod of this.pods.values()) changed(pod, false);
    const hearing = (): Hearing => ({ unbrokenMs: this.clock.monotonicMs() - this.backSinceMs });
    return { ageMs: () => this.watchAgeMs, hearing, stop: () => Promise.resolve(void this.watchers.delete(own)) };
  }

  async *logs(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('what the pod printed\n'));
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** The pod changes by itself: becomes ready, restarts, dies. */
  change(pod: Pod, facts: Partial<Pod>): Pod {
    return this.show({ ...this.pods.get(pod.uid)!, ...facts });
  }

  makeReady(pod: Pod, address = `127.0.0.1:${20_000 + this.revisions}`): Pod {
    return this.change(pod, { phase: 'ready', address });
  }

  vanish(pod: Pod): void {
    this.pods.delete(pod.uid);
    for (const watcher of this.watchers) watcher(pod, true);
  }

  private call<T>(name: string, run: () => T): Promise<T> {
    this.calls.push(name);
    if (this.isAway) return Promise.reject(new RuntimeUnavailable('the runtime is away'));
    return Promise.resolve(run());
  }

  private byName(name: string): Pod | undefined {
    return [...this.pods.values()].find((pod) => pod.name === name);
  }

  private compared(pod: Pod, facts: Partial<Pod>): Compared {
    const standing = this.pods.get(pod.uid);
    if (!standing) return 'absent';
    return standing.revision === pod.revision ? this.show({ ...standing, ...facts }) : 'changed';
  }

  private show(pod: Pod): Pod {
    const shown = Object.freeze({ ...pod, revision: String((this.revisions += 1)) });
    this.pods.set(pod.uid, shown);
    for (const watcher of this.watchers) watcher(shown, false);
    return shown;
  }
}
