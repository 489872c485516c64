import { ApiClient } from './api-client.js';
import { onlyContainer, type ApiPod } from './api-pod.js';
import type { ContainerLog } from './container-log.js';
import { startInside, startNothing, startProcess } from './container-run.js';
import { Fates, isMeant, type Fate, type Which } from './fates.js';
import { HOST_IP, KubeletNode } from './kubelet-node.js';
import type { KubeletParts } from './kubelet-parts.js';
import type { OwnNamespace } from './own-namespace.js';
import { recordEvent } from './pod-calls.js';
import { PodFeed } from './pod-feed.js';
import { PodLife } from './pod-life.js';

const STARTS = { processes: startProcess, inside: startInside, 'status-only': startNothing };

export interface TestKubeletOptions {
  /**
   * `inside`: runs the session application within this process, which saves a process for each pod; for tests to which a
   * pod is an address. `status-only`: starts nothing and says at once that all is ready, for thousands of pods.
   */
  mode?: keyof typeof STARTS;
  probing?: Partial<KubeletParts['probing']>;
  backOff?: Partial<KubeletParts['backOff']>;
  longestGraceMs?: number;
}

export interface KubeletPod {
  name: string;
  uid: string;
  /** None before it has a network. */
  address?: string;
  /** Of the run that there is now, or was last. */
  pid?: number;
  restarts: number;
  isReady: boolean;
}

/** What becomes of the processes of a lost node: reachable, hanging, or refusing connections. */
export type LostProcesses = 'go on' | 'freeze' | 'die';

/**
 * Plays the scheduler, one node and its kubelet for the pods of one namespace: binds each pod, runs its container's
 * command as a child process (or see `mode`) on an address of its own, probes it, restarts it, and reports to the API server as a
 * kubelet does. Images are not looked at. Several may share a namespace: each pod is on one of them.
 */
export class TestKubelet {
  private readonly client: ApiClient;
  private readonly node: KubeletNode;
  private readonly fates = new Fates();
  private readonly feed: PodFeed;
  private readonly parts: KubeletParts;
  private readonly lives = new Map<string, PodLife>();
  private readonly leaving = new Set<Promise<void>>();
  private readonly waiting = new Set<() => void>();
  private readonly stopping = new AbortController();
  private isLost = false;
  private fault?: unknown;

  constructor(own: OwnNamespace, options: TestKubeletOptions) {
    this.client = new ApiClient(own.adminKubeconfig);
    this.node = new KubeletNode(this.client, own.controlPlane.certificate, (...asked) => this.findLog(...asked));
    this.parts = this.partsOf(options);
    this.feed = new PodFeed(this.client, own.name, {
      changed: (pod) => this.take(pod),
      gone: (uid) => this.drop(uid),
    });
  }

  get nodeName(): string {
    return this.node.name;
  }

  async start(): Promise<void> {
    await this.node.register();
    this.feed.start();
  }

  /** Ends every pod's run. Fails when something went wrong that no test ordered. */
  async stop(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort();
    await this.feed.stop();
    for (const uid of [...this.lives.keys()]) this.drop(uid);
    this.find();
    await Promise.all(this.leaving);
    await this.node.remove();
    await this.client.close();
    if (this.fault) throw new Error('the test kubelet failed', { cause: this.fault });
  }

  pods(): KubeletPod[] {
    return [...this.lives.values()].map(({ pod, facts, container }) => ({
      name: pod.metadata.name,
      uid: pod.metadata.uid,
      address: facts.address,
      pid: container?.current?.pid,
      restarts: facts.container.restartCount,
      isReady: facts.container.isReady,
    }));
  }

  /** For pods that are here and pods that will come. Returns what calls it off: the image is there, a node was found. */
  fail(which: Which, fate: Fate): () => void {
    const callOff = this.fates.order(which, fate);
    if (fate.waiting ?? fate.crashes ?? fate.silent) {
      for (const life of this.meant(which)) life.container?.kill();
    }
    return callOff;
  }

  kill(which: Which): void {
    for (const { container } of this.known(which)) container?.kill();
  }

  oomKill(which: Which): void {
    for (const { container } of this.known(which)) container?.kill('OOMKilled');
  }

  async evict(which: Which, message = 'The node was low on resource: memory.'): Promise<void> {
    await Promise.all(this.known(which).map((life) => life.evict(message)));
  }

  async disrupt(which: Which, reason = 'EvictionByEvictionAPI', message = 'Eviction API: evicting'): Promise<void> {
    await Promise.all(this.known(which).map((life) => life.disrupt(reason, message)));
  }

  /** The node reports nothing and does nothing any more: what is deleted stays Terminating. */
  async loseNode(processes: LostProcesses): Promise<void> {
    this.isLost = true;
    await this.feed.stop();
    const runs = [...this.lives.values()].map(({ container }) => container?.current);
    if (processes !== 'go on') for (const run of runs) run?.signal(processes === 'freeze' ? 'SIGSTOP' : 'SIGKILL');
  }

  /** The node is back, and does what was asked of it meanwhile. */
  findNode(): void {
    for (const { container } of this.lives.values()) container?.current?.signal('SIGCONT');
    this.find();
    this.feed.start();
  }

  private find(): void {
    this.isLost = false;
    for (const go of [...this.waiting]) go();
    this.waiting.clear();
  }

  private take(pod: ApiPod): void {
    const { uid } = pod.metadata;
    const known = this.lives.get(uid);
    const { nodeName } = pod.spec;
    if (nodeName !== undefined && nodeName !== this.nodeName) return this.drop(uid);
    // Removed at once: the API server says so first, and then that it is gone.
    if (pod.metadata.deletionGracePeriodSeconds === 0) return this.drop(uid);
    if (known) return known.update(pod);
    if (pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded') return;
    const life = new PodLife(pod, this.parts);
    this.lives.set(uid, life);
    life.start();
    life.update(pod);
  }

  private drop(uid: string): void {
    const life = this.lives.get(uid);
    if (!life) return;
    this.lives.delete(uid);
    const vanished = life.vanish().catch((error: unknown) => this.parts.failed(error));
    this.leaving.add(vanished);
    void vanished.then(() => this.leaving.delete(vanished));
  }

  private meant(which: Which): PodLife[] {
    return [...this.lives.values()].filter(({ pod }) => isMeant(which, pod));
  }

  private known(which: Which): PodLife[] {
    const lives = this.meant(which);
    if (lives.length === 0) throw new Error(`no pod of this node is meant by ${String(which)}`);
    return lives;
  }

  private findLog(name: string, containerName: string, previous: boolean): ContainerLog | string {
    if (this.isLost) throw new Error('the node is lost');
    const life = [...this.lives.values()].find(({ pod }) => pod.metadata.name === name);
    const what = `container "${containerName}" in pod "${name}"`;
    if (!life || onlyContainer(life.pod).name !== containerName) return `${what} is not available`;
    const log = life.container?.logs.at(previous ? -2 : -1);
    const { state } = life.facts.container;
    const why = 'waiting' in state ? state.waiting.reason : 'ContainerCreating';
    return log ?? (previous ? `previous terminated ${what} not found` : `${what} is waiting to start: ${why}`);
  }

  private partsOf({ mode = 'processes', probing, backOff, longestGraceMs = 30_000 }: TestKubeletOptions): KubeletParts {
    return {
      client: this.client,
      nodeName: this.nodeName,
      hostIP: HOST_IP,
      fates: this.fates,
      startRun: STARTS[mode],
      isReal: mode !== 'status-only',
      probing: { periodMs: 50, readyPeriodMs: 5_000, ...probing },
      backOff: { stepsMs: [0, 100, 200, 400, 800, 1_600, 3_200], resetMs: 600_000, ...backOff },
      longestGraceMs,
      stopping: this.stopping.signal,
      untilThere: () => this.untilThere(),
      record: (pod, reason, message) => {
        recordEvent(this.parts, pod, reason, message).catch((error: unknown) => this.parts.failed(error));
      },
      failed: (error) => (this.fault ??= error),
    };
  }

  private untilThere(): Promise<void> {
    if (!this.isLost) return Promise.resolve();
    return new Promise((resolve) => this.waiting.add(resolve));
  }
}

/** It ends with the file at the latest. */
export async function startTestKubelet(own: OwnNamespace, options: TestKubeletOptions = {}): Promise<TestKubelet> {
  const kubelet = new TestKubelet(own, options);
  started.push(kubelet);
  await kubelet.start();
  return kubelet;
}

const started: TestKubelet[] = [];
// A benchmark has no end of a suite to wait for: it stops what it starts.
if (typeof afterAll === 'function') afterAll(() => Promise.all(started.map((kubelet) => kubelet.stop())));
