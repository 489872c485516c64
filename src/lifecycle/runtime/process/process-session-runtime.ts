import { RuntimeUnavailable } from '../../lifecycle.errors.js';
import type { Timeouts } from '../../session.js';
import type { Template } from '../../templates/template.js';
import type { Pod, PodOrder } from '../pod.js';
import { podName } from '../pod-name.js';
import { SessionRuntime, type Compared, type LogOptions, type PodWatch } from '../session-runtime.js';
import { PodRoster } from './pod-roster.js';
import { Supervision, type NewPod, type ProcessRuntimeOptions } from './supervision.js';

/**
 * Pods as supervised child processes of this machine. One Berth process owns them all and nothing of them outlives it, so
 * what it remembers is the whole truth: every answer is live, and no import ever finds a pod that it does not know.
 */
export class ProcessSessionRuntime extends SessionRuntime {
  private readonly roster: PodRoster;
  private readonly supervision: Supervision;
  /** By name: two callers that want the same pod at once get one. */
  private readonly making = new Map<string, Promise<Pod>>();

  constructor(private readonly options: ProcessRuntimeOptions) {
    super();
    this.roster = new PodRoster(options.log);
    this.supervision = new Supervision(options, this.roster);
  }

  /** Before the first pod: the folders can be kept, and what a killed Berth left of its own is being removed. */
  async prepare(): Promise<void> {
    await this.supervision.prepare();
  }

  async create(order: PodOrder): Promise<Pod | 'name-taken'> {
    const { definition, ...assignment } = order;
    const name = podName(order.id, order.generation);
    if (!this.roster.find(name)) await this.makeOnce({ name, uid: this.newUid(), definition, assignment });
    const pod = this.roster.find(name);
    if (!pod) throw new RuntimeUnavailable(`The pod ${name} ended while it was being made; ask again.`);
    return isAdoptable(pod, order) ? pod : 'name-taken';
  }

  createWarm(template: Template): Promise<Pod> {
    const uid = this.newUid();
    return this.makeOnce({ name: `berth-warm-${uid.slice(-12)}`, uid, definition: template });
  }

  claim(warm: Pod, { definition: _, ...assignment }: PodOrder): Promise<Compared> {
    return this.change(warm, (pod) => {
      const isAssignable = !pod.assignment && pod.markedUntilMs === undefined && !pod.deleting;
      return isAssignable ? { assignment } : 'changed';
    });
  }

  mark(pod: Pod, deleteAfterMs: number): Promise<Compared> {
    return this.change(pod, () => ({ markedUntilMs: deleteAfterMs }));
  }

  /** A deletion that was ordered cannot be taken back. */
  unmark(marked: Pod): Promise<Compared> {
    return this.change(marked, ({ deleting }) => (deleting ? 'changed' : { markedUntilMs: undefined }));
  }

  annotate(pod: Pod, facts: { lastUsedAtMs?: number; timeouts?: Timeouts }): Promise<Compared | 'marked'> {
    const now = this.roster.find(pod.name);
    if (now?.uid === pod.uid && now.markedUntilMs !== undefined) return Promise.resolve('marked');
    return this.change(pod, ({ assignment, lastUsedAtMs }) => ({
      lastUsedAtMs: facts.lastUsedAtMs ?? lastUsedAtMs,
      assignment: assignment && { ...assignment, ...given(facts.timeouts) },
    }));
  }

  delete(marked: Pod): Promise<'ending' | 'changed' | 'absent'> {
    const pod = this.roster.compare(marked);
    if (typeof pod === 'string') return Promise.resolve(pod);
    if (pod.markedUntilMs === undefined) return Promise.resolve('changed');
    if (!pod.deleting) void this.supervision.end(this.roster.put({ ...pod, deleting: true }));
    return Promise.resolve('ending');
  }

  read(name: string): Promise<Pod | 'absent'> {
    return Promise.resolve(this.roster.find(name) ?? 'absent');
  }

  list(): Promise<readonly Pod[]> {
    return Promise.resolve(this.roster.all());
  }

  watch(changed: (pod: Pod, gone: boolean) => void): PodWatch {
    return this.roster.watch(changed);
  }

  async *logs(pod: Pod, options: LogOptions): AsyncGenerator<Uint8Array> {
    const output = this.supervision.outputOf(pod.uid);
    if (output) yield* output.read(options);
  }

  async stop(): Promise<void> {
    this.roster.dismissWatchers();
    this.supervision.close();
    await Promise.allSettled(this.making.values());
    await this.supervision.endAll();
  }

  private makeOnce(order: NewPod): Promise<Pod> {
    const making =
      this.making.get(order.name) ?? this.supervision.start(order).finally(() => this.making.delete(order.name));
    this.making.set(order.name, making);
    return making;
  }

  /** The one place where a pod is changed by a caller: compared and changed without anything in between. */
  private change(seen: Pod, decide: (pod: Pod) => Partial<Pod> | 'changed'): Promise<Compared> {
    const pod = this.roster.compare(seen);
    if (typeof pod === 'string') return Promise.resolve(pod);
    const facts = decide(pod);
    return Promise.resolve(facts === 'changed' ? facts : this.roster.put({ ...pod, ...facts }));
  }

  private newUid(): string {
    return this.options.randomness.uuid();
  }
}

/** Asking again for a pod that is there is no second pod. */
function isAdoptable({ assignment, markedUntilMs, deleting }: Pod, order: PodOrder): boolean {
  return (
    assignment?.id === order.id &&
    assignment.owner === order.owner &&
    assignment.generation === order.generation &&
    markedUntilMs === undefined &&
    !deleting
  );
}

function given(timeouts: Timeouts = {}): Timeouts {
  return Object.fromEntries(Object.entries(timeouts).filter(([, value]) => value !== undefined));
}
