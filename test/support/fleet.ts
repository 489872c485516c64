import { type BerthProcess, launchBerth, untilReady } from './berth-process.js';
import { eventually } from './eventually.js';
import {
  ApiClient,
  type AuditEvent,
  type ControlPlane,
  type OwnNamespace,
  ownNamespace,
  startTestKubelet,
  type TestKubelet,
  type TestKubeletOptions,
} from './kubernetes/index.js';
import type { Environment } from './launched.js';
import { RedisServer } from './redis-server.js';

export interface FleetOptions {
  replicas?: number;
  settings?: Environment;
  kubelet?: TestKubeletOptions;
  /** Its own, where the test takes it away; else the shared one. */
  controlPlane?: ControlPlane;
  /** Started already; the fleet's from then on. */
  redis?: RedisServer;
}

/** Short, so that a lost leader is missed in seconds. */
export const LEASE = { durationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 1_000 };

/** A replica is ready when there is a leader, which may have to be found first, and the leader has seen to the store. */
const READY_MS = 30_000;

export interface LivePod {
  metadata: {
    name: string;
    uid: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    deletionTimestamp?: string;
  };
  status: { phase: string; podIP?: string };
}

/** Replicas as processes, a Redis, and a namespace of an API server with a node: the product as it is in production. */
export class Fleet {
  readonly replicas: BerthProcess[] = [];

  private constructor(
    readonly own: OwnNamespace,
    readonly redis: RedisServer,
    readonly kubelet: TestKubelet,
    readonly api: ApiClient,
    private readonly settings: Environment,
  ) {}

  static async start(options: FleetOptions = {}): Promise<Fleet> {
    const { replicas = 1, settings = {}, kubelet, controlPlane } = options;
    const own = await ownNamespace({ prefix: 'fleet', controlPlane });
    const redis = options.redis ?? (await RedisServer.start());
    const node = await startTestKubelet(own, { mode: 'inside', ...kubelet });
    const fleet = new Fleet(own, redis, node, new ApiClient(own.adminKubeconfig), settings);
    for (let at = 0; at < replicas; at += 1) await fleet.add();
    return fleet;
  }

  get first(): BerthProcess {
    return this.replicas[0]!;
  }

  /** One more replica, ready. */
  async add(settings: Environment = {}): Promise<BerthProcess> {
    const replica = await this.launch(settings);
    await untilReady(replica, READY_MS);
    return replica;
  }

  /** One more replica, which may never be ready. */
  async launch(settings: Environment = {}): Promise<BerthProcess> {
    const replica = await launchBerth({
      RUNTIME: 'kubernetes',
      KUBECONFIG: this.own.berthKubeconfig,
      KUBERNETES_NAMESPACE: this.own.name,
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(this.redis.port),
      SESSION_POD_IMAGE: 'berth.test/session:1',
      BIND_ADDRESS: '127.0.0.1',
      LEASE_DURATION_SECONDS: String(LEASE.durationMs / 1_000),
      LEASE_RENEW_DEADLINE_SECONDS: String(LEASE.renewDeadlineMs / 1_000),
      LEASE_RETRY_SECONDS: String(LEASE.retryMs / 1_000),
      ...this.settings,
      ...settings,
    });
    this.replicas.push(replica);
    return replica;
  }

  /** Settings of a replica that reaches the API server by this address. */
  through(server: string): Environment {
    return { KUBECONFIG: this.own.controlPlane.kubeconfig('berth', { namespace: this.own.name, server }) };
  }

  /** Every pod that Berth has in the namespace. */
  async pods(): Promise<LivePod[]> {
    const path = `/api/v1/namespaces/${this.own.name}/pods?labelSelector=app.kubernetes.io/managed-by=berth`;
    return (await this.api.call<{ items: LivePod[] }>(path)).items;
  }

  /** What Berth asked of the API server about pods of the namespace, in order of the answers. */
  podCalls(verb: string): AuditEvent[] {
    return this.own.controlPlane
      .auditEvents(this.own.name)
      .filter(({ objectRef, ...call }) => objectRef?.resource === 'pods' && call.verb === verb);
  }

  /** Pods that Berth has made so far, whatever became of them. */
  podsMade(): AuditEvent[] {
    return this.podCalls('create').filter(({ responseStatus }) => responseStatus?.code === 201);
  }

  /** The session has one pod, and Berth has made it once. */
  async expectMadeOnce(id: string): Promise<void> {
    const { metadata } = await this.podOf(id);
    expect((await this.pods()).filter((pod) => pod.metadata.labels['session-id'] === id)).toHaveLength(1);
    const made = () => this.podsMade().filter(({ objectRef }) => objectRef?.name === metadata.name);
    await eventually(() => expect(made()).toHaveLength(1));
  }

  async podOf(id: string): Promise<LivePod> {
    const found = (await this.pods()).filter(({ metadata }) => metadata.labels['session-id'] === id);
    const [pod] = found.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (!pod) throw new Error(`session ${id} has no pod`);
    return pod;
  }

  /** Who leads of these, by their own word; undefined: nobody. */
  async leader(among: readonly BerthProcess[] = this.replicas): Promise<BerthProcess | undefined> {
    const leading = await Promise.all(among.map(isLeading));
    return among.find((_, at) => leading[at]);
  }

  /** Once somebody leads. */
  async untilLed(limitMs = 15_000, among?: readonly BerthProcess[]): Promise<BerthProcess> {
    return eventually(async () => {
      const leader = await this.leader(among);
      expect(leader).toBeDefined();
      return leader!;
    }, limitMs);
  }

  /** All but this one. */
  others(replica: BerthProcess): BerthProcess[] {
    return this.replicas.filter((one) => one !== replica);
  }

  /** It is gone already, or was never this fleet's to stop. */
  forget(replica: BerthProcess): void {
    this.replicas.splice(this.replicas.indexOf(replica), 1);
  }

  /** All replicas at once. The pods go on. */
  async killAll(): Promise<void> {
    await Promise.all(this.replicas.splice(0).map((replica) => replica.kill9()));
  }

  async stop(): Promise<void> {
    await this.killAll();
    await this.kubelet.stop();
    await this.redis.remove();
    await this.own.remove();
    await this.api.close();
  }
}

/** A replica that does not answer does not lead, as far as anybody can see. */
async function isLeading(replica: BerthProcess): Promise<boolean> {
  const metrics = await replica.metrics().catch(() => '');
  return /^session_is_leader 1$/m.test(metrics);
}
