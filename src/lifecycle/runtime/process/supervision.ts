import { tmpdir } from 'node:os';

import type { Clock } from '../../../platform/clock.js';
import type { Logger } from '../../../platform/logger.js';
import type { Randomness } from '../../../platform/randomness.js';
import { PodRefused, RuntimeUnavailable } from '../../lifecycle.errors.js';
import type { Template } from '../../templates/template.js';
import type { Pod, PodAssignment } from '../pod.js';
import { MemoryWatch } from './memory-watch.js';
import type { OutputRing } from './output-ring.js';
import { launchOf, whyNotStart, type Launch, type Surroundings } from './pod-launch.js';
import { PodPlaces, type Place } from './pod-places.js';
import { PodRoster } from './pod-roster.js';
import { PortPool, type PortRange } from './port-pool.js';
import { StartQueue } from './start-queue.js';
import { Supervisor } from './supervisor.js';

export interface ProcessRuntimeOptions extends Surroundings {
  clock: Clock;
  randomness: Randomness;
  log: Logger;
  /** Holds the folder of this Berth process, which holds a state folder per pod. */
  stateRoot?: string;
  /** How long a pod may take to end after SIGTERM. */
  stopGraceMs?: number;
  memoryCheckMs?: number;
  ports?: PortRange;
}

const STOP_GRACE_MS = 5_000;
/** At shutdown nobody waits for the pods any more. */
const LONGEST_SHUTDOWN_GRACE_MS = 2_000;
const MEMORY_CHECK_MS = 1_000;

export interface NewPod {
  name: string;
  uid: string;
  definition: Template;
  assignment?: PodAssignment;
}

interface Supervised {
  place: Place;
  supervisor: Supervisor;
}

/** Brings pods about and ends them: place, process, and what the roster says of it. */
export class Supervision {
  private readonly places: PodPlaces;
  private readonly memory: MemoryWatch;
  private readonly queue: StartQueue;
  /** By the pod's uid. */
  private readonly pods = new Map<string, Supervised>();
  private isStopped = false;

  constructor(
    private readonly options: ProcessRuntimeOptions,
    private readonly roster: PodRoster,
  ) {
    const { clock, randomness, log, ports } = options;
    this.memory = new MemoryWatch(clock, options.memoryCheckMs ?? MEMORY_CHECK_MS);
    this.queue = new StartQueue(clock);
    this.places = new PodPlaces(new PortPool(clock, randomness, ports), {
      parent: options.stateRoot ?? tmpdir(),
      log,
      onVanished: (folderName) => this.checkFolders(folderName),
    });
  }

  async prepare(): Promise<void> {
    await this.places.open();
  }

  async start(order: NewPod): Promise<Pod> {
    this.refuseWhenStopped();
    try {
      return this.startAt(await this.places.take(order.uid), order);
    } catch (error) {
      if (error instanceof PodRefused || error instanceof RuntimeUnavailable) throw error;
      throw new RuntimeUnavailable(`A pod could not be made on this machine: ${String(error)}`, { cause: error });
    }
  }

  /** Resolves when no process of the pod is left; it is gone then, and what it had is given back. */
  async end({ name, uid }: Pod, graceMs = this.options.stopGraceMs ?? STOP_GRACE_MS): Promise<void> {
    await this.pods.get(uid)?.supervisor.end(graceMs);
    const ended = this.pods.get(uid);
    if (!ended) return;
    this.pods.delete(uid);
    this.roster.remove(name);
    this.places.giveBack(ended.place);
  }

  outputOf(uid: string): OutputRing | undefined {
    return this.pods.get(uid)?.supervisor.output;
  }

  /** From now on nothing is started, not even what somebody waits for. */
  close(): void {
    this.isStopped = true;
  }

  async endAll(): Promise<void> {
    const graceMs = Math.min(this.options.stopGraceMs ?? STOP_GRACE_MS, LONGEST_SHUTDOWN_GRACE_MS);
    await Promise.all(this.roster.all().map((pod) => this.end(pod, graceMs)));
    await this.places.close();
  }

  private startAt(place: Place, order: NewPod): Pod {
    try {
      this.refuseWhenStopped();
      const { definition: template, assignment: session } = order;
      const launch = launchOf({ template, place, session }, this.options);
      const refusal = whyNotStart(launch);
      if (refusal) throw new PodRefused(refusal.reason, `Template ${template.name}: ${refusal.message}`);
      return this.supervise(order, place, launch);
    } catch (error) {
      this.places.giveBack(place);
      throw error;
    }
  }

  private supervise({ name, uid, definition, assignment }: NewPod, place: Place, launch: Launch): Pod {
    const { clock, log } = this.options;
    const pod = this.roster.put({
      name,
      uid,
      template: definition.name,
      templateHash: definition.hash,
      assignment,
      phase: 'starting',
      address: `127.0.0.1:${place.port}`,
      restarts: 0,
      deleting: false,
      createdAtMs: clock.nowMs(),
      wasWarm: assignment === undefined,
    });
    const show = (shown: Partial<Pod>): void => this.show(pod, shown);
    const supervisor = new Supervisor(launch, { clock, log, memory: this.memory, queue: this.queue, show });
    this.pods.set(uid, { place, supervisor });
    supervisor.start();
    return pod;
  }

  private show({ name, uid }: Pod, shown: Partial<Pod>): void {
    const pod = this.roster.find(name);
    if (pod?.uid === uid) this.roster.put({ ...pod, ...shown });
  }

  /** A folder name that is no pod's concerns all of them: the root itself may have vanished. */
  private checkFolders(folderName: string): void {
    const one = this.pods.get(folderName);
    for (const { supervisor } of one ? [one] : this.pods.values()) supervisor.checkFolder();
  }

  private refuseWhenStopped(): void {
    if (this.isStopped) throw new RuntimeUnavailable('Berth is shutting down.');
  }
}
