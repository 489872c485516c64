import type { Errand, Outcome } from '../../../src/gateway/proxy/attempts.js';
import { GatewayError } from '../../../src/gateway/problem.js';
import type { Admission, AdmissionRequest, Pending } from '../../../src/lifecycle/sessions.js';
import type { Caller } from '../../../src/lifecycle/session.js';
import type { SessionId } from '../../../src/lifecycle/session-id.js';
import { pause } from '../../../src/platform/clock.js';
import type { PodLife } from '../cluster/pod-life.js';
import type { ClientRequest } from './client-request.js';
import type { ReplicaRun } from './replica-run.js';

/** As the product dials. */
const CONNECT_WITHIN_MS = 5_000;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 400;

interface Connection {
  life: PodLife;
  /** Of the container: when that ends, so does the connection. */
  run: number;
}

/** As the gateway's: a signal is made for those only who really wait. */
class Knock implements AdmissionRequest {
  readonly id: SessionId;
  readonly caller: Caller;
  readonly generation?: number;
  readonly patienceMs?: number;

  constructor(
    private readonly request: ClientRequest,
    readonly after: Admission | undefined,
    patiently: boolean,
  ) {
    this.id = request.id;
    this.caller = request.caller;
    if (request.wish.call !== 'execute') return;
    this.generation = request.wish.generation;
    if (!patiently) this.patienceMs = request.wish.patienceMs;
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }
}

/** The connections of one replica to one address, until it hears that the pod there is no longer one to be reached. */
export class WayToPod {
  isGone = false;
  readonly cuts = new Set<() => void>();
}

/**
 * What the gateway does with one admission, without HTTP: dial the address, look once more whether the admission is
 * fresh, send, wait for the answer. When to be admitted anew is decided by the product's own `carryOut`.
 */
export class PodErrand implements Errand {
  readonly isSpent: boolean;

  constructor(
    private readonly request: ClientRequest,
    private readonly run: ReplicaRun,
  ) {
    this.isSpent = request.wish.call === 'execute' && request.wish.hasBody;
  }

  get isOver(): boolean {
    return this.request.isOver;
  }

  admit({ after, patiently }: { after?: Admission; patiently: boolean }): Promise<Admission | Pending> {
    this.request.heldSinceMs = this.run.world.time.nowMs;
    const knock = new Knock(this.request, after, patiently);
    return this.run.sessions.admit(knock).finally(() => (this.request.heldSinceMs = undefined));
  }

  answerPending({ pending }: Pending): void {
    this.request.end(`202 ${pending.state}`, this.run.world.time.nowMs);
  }

  async send(admission: Admission): Promise<Outcome> {
    const way = this.run.wayTo(admission.address);
    const connection = await this.dial(admission.address);
    if (this.isOver) return { is: 'over' };
    if (!connection || way.isGone) return { is: 'unsent', cause: new Error('nobody answers there') };
    if (!admission.isFresh()) return { is: 'unsent', cause: new Error('the admission is no longer fresh') };
    return this.exchange(connection, admission, way);
  }

  /** Tries until somebody answers there; what is there when the connection is made may be gone when that is heard. */
  private async dial(address: string): Promise<Connection | undefined> {
    const { clock } = this.run.process;
    const giveUpAtMs = clock.monotonicMs() + CONNECT_WITHIN_MS;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const connection = await this.tryOnce(address);
      if (connection) return connection;
      if (this.request.isOver || clock.monotonicMs() + pauseMs >= giveUpAtMs) return undefined;
      await pause(clock, pauseMs, this.request.signal);
    }
  }

  private tryOnce(address: string): Promise<Connection | undefined> {
    const { world, process } = this.run;
    const { time, cluster } = world;
    return new Promise((resolve) => {
      time.after(world.network.dialMs(), () => {
        const life = cluster.at(address);
        const connection = life?.isListening ? { life, run: life.run } : undefined;
        const heardAfterMs = life?.isLost ? LONGEST_PAUSE_MS : world.network.packetMs();
        time.after(heardAfterMs, () => process.deliver(() => resolve(connection)));
      });
    });
  }

  private exchange(connection: Connection, admission: Admission, way: WayToPod): Promise<Outcome> {
    const { world, process } = this.run;
    const { request } = this;
    return new Promise((resolve, reject) => {
      const over = (): void => resolve({ is: 'over' });
      const lost = (): void => process.deliver(() => reject(new GatewayError('POD_LOST', 'It died on the way.')));
      request.onOver(over);
      world.time.after(world.network.packetMs(), () => {
        const { life } = connection;
        if (!life.isListening || life.run !== connection.run) return lost();
        const close = life.connect(lost);
        way.cuts.add(lost);
        request.onOver(() => {
          close();
          way.cuts.delete(lost);
        });
        request.reached = { life, isOwn: isOwn(life, request, admission) };
        world.delivered({ request, life, run: this.run, admission });
        this.answerLater(life);
      });
    });
  }

  private answerLater(life: PodLife): void {
    const { wish } = this.request;
    const { world, process } = this.run;
    const serviceMs = wish.call === 'execute' ? wish.serviceMs : 0;
    const { run } = life;
    world.time.after(serviceMs, () => {
      if (life.isListening && life.run === run) process.deliver(() => this.request.end('200', world.time.nowMs));
    });
  }
}

/** Who knows no better may send to an address where another pod is by now, be it one of the same session. */
function isOwn({ assignment }: PodLife, { id }: ClientRequest, { generation }: Admission): boolean {
  return assignment?.id === id && assignment.generation === generation;
}
