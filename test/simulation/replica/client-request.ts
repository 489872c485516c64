import type { Caller } from '../../../src/lifecycle/session.js';
import type { SessionId } from '../../../src/lifecycle/session-id.js';
import type { PodLife } from '../cluster/pod-life.js';
import type { ReplicaRun } from './replica-run.js';

export type Wish =
  | { call: 'execute'; serviceMs: number; generation?: number; patienceMs?: number; hasBody: boolean }
  | { call: 'put'; idleTimeoutMs?: number; maxLifetimeMs?: number }
  | { call: 'delete' | 'keepalive' | 'status' };

/** One request of one client, from the moment that it is sent, and what became of it. */
export class ClientRequest {
  /** Who took it; nobody did that was asked before. */
  run?: ReplicaRun;
  /** When it was taken. */
  acceptedAtMs = 0;
  /** How it ended; undefined: it has not. */
  outcome?: string;
  endedAtMs?: number;
  /** Since when it is held until its session can be reached; undefined: it is not. */
  heldSinceMs?: number;
  /** The pod that it reached, and whether that was the one it was meant for. */
  reached?: { life: PodLife; isOwn: boolean };
  private presence?: AbortController;
  private readonly listeners: (() => void)[] = [];

  constructor(
    readonly number: number,
    readonly id: SessionId,
    readonly caller: Caller,
    readonly wish: Wish,
  ) {}

  get name(): string {
    return `r${this.number}`;
  }

  get isOver(): boolean {
    return this.outcome !== undefined;
  }

  get signal(): AbortSignal {
    this.presence ??= new AbortController();
    if (this.isOver) this.presence.abort('over');
    return this.presence.signal;
  }

  onOver(listener: () => void): void {
    this.listeners.push(listener);
  }

  end(outcome: string, atMs: number): void {
    if (this.isOver) return;
    this.outcome = outcome;
    this.endedAtMs = atMs;
    this.presence?.abort('over');
    for (const listener of this.listeners) listener();
  }
}
