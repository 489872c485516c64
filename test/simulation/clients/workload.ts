import type { Caller } from '../../../src/lifecycle/session.js';
import type { Chance } from '../engine/chance.js';
import { ClientRequest, type Wish } from '../replica/client-request.js';
import type { ReplicaRun } from '../replica/replica-run.js';
import type { World } from '../world.js';
import { admin, alice, bob } from '../../support/openings.js';

/** A client that finds nobody asks again a little later. */
const ASK_AGAIN_MS = 500;

/** Few clients that want few sessions, of each other's too, all at once and at every replica. */
export class Workload {
  readonly requests: ClientRequest[] = [];

  constructor(
    private readonly world: World,
    private readonly chance: Chance,
  ) {
    this.nextLater();
  }

  /** Whose session this is meant to be. */
  ownerOf(id: string): Caller {
    return this.world.ids.findIndex((one) => one === id) % 2 === 0 ? alice : bob;
  }

  /** Sends it to some replica in service; keeps asking until one takes it. */
  send(request: ClientRequest, retry = true): void {
    const { world, chance } = this;
    const run = this.someRun();
    if (run) {
      world.story.tell(request.name, `${describe(request)} -> ${run.name}`);
      run.serve(request);
    } else if (retry) world.time.after(ASK_AGAIN_MS * chance.between(0.5, 1.5), () => this.send(request, retry));
  }

  make(id: (typeof this.world.ids)[number], caller: Caller, wish: Wish): ClientRequest {
    const { world } = this;
    const request = new ClientRequest(this.requests.length + 1, id, caller, wish);
    this.requests.push(request);
    request.onOver(() => world.requestEnded(request));
    return request;
  }

  outcomes(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { outcome = 'none' } of this.requests) counts[outcome] = (counts[outcome] ?? 0) + 1;
    return counts;
  }

  hangUpAll(): void {
    for (const request of this.requests) request.end('the client hangs up', this.world.time.nowMs);
  }

  private nextLater(): void {
    const { time, setting } = this.world;
    time.after(this.chance.fraction() * 2 * setting.betweenRequestsMs, () => {
      if (time.nowMs >= setting.busyMs) return;
      for (let times = this.chance.happens(0.1) ? 4 : 1; times > 0; times -= 1) this.ask();
      this.nextLater();
    });
  }

  private ask(): void {
    const { world, chance } = this;
    const id = chance.oneOf(world.ids);
    const request = this.make(id, this.someCaller(id), this.someWish());
    this.send(request, false);
    if (!chance.happens(0.05)) return;
    world.time.after(chance.between(0, 3_000), () => request.end('the client hangs up', world.time.nowMs));
  }

  private someCaller(id: string): Caller {
    const who = this.chance.weighted({ owner: 88, other: 10, admin: 2 });
    if (who === 'admin') return admin;
    const owner = this.ownerOf(id);
    if (who === 'owner') return owner;
    return owner === alice ? bob : alice;
  }

  private someWish(): Wish {
    const { chance } = this;
    const kind = chance.weighted({
      short: 60,
      stream: 14,
      put: 5,
      delete: 6,
      keepalive: 3,
      status: 4,
      only: 4,
      wait: 4,
    });
    const hasBody = chance.happens(0.5);
    switch (kind) {
      case 'short':
        return { call: 'execute', serviceMs: chance.mostlyNear(5, 2_000), hasBody };
      case 'stream':
        return { call: 'execute', serviceMs: chance.between(3_000, 50_000), hasBody };
      case 'only':
        return { call: 'execute', serviceMs: 20, hasBody, generation: 1 + chance.below(4) };
      case 'wait':
        return { call: 'execute', serviceMs: 20, hasBody, patienceMs: chance.between(0, 4_000) };
      case 'put':
        return { call: 'put', idleTimeoutMs: chance.happens(0.5) ? chance.between(6_000, 60_000) : undefined };
      case 'delete':
      case 'keepalive':
      case 'status':
        return { call: kind };
    }
  }

  private someRun(): ReplicaRun | undefined {
    const runs = this.world.replicas.flatMap(({ run }) => (run?.isInService && !run.process.isDead ? [run] : []));
    return runs.length === 0 ? undefined : this.chance.oneOf(runs);
  }
}

function describe({ id, caller, wish }: ClientRequest): string {
  const who = caller.owner.split('|').at(-1);
  const facts = Object.entries(wish)
    .filter(([name, value]) => name !== 'call' && name !== 'hasBody' && value !== undefined)
    .map(([name, value]) => `${name} ${Number(value).toFixed(0)}`);
  return `${who} asks ${wish.call} ${id} ${facts.join(' ')}`;
}
