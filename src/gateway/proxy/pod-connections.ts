/**
 * The connections to pods: one pool for each address that is in use. A pool lives as long as requests come; it is let
 * go when nobody asked for a while, and when the pod stops being one that requests may reach. What is open to such a
 * pod gets the drain time, then it is cut, so that nothing hangs on a machine that is no more.
 */
import type { Socket } from 'node:net';

import type { Sessions } from '../../lifecycle/sessions.js';
import { type Clock, pause, type Timer } from '../../platform/clock.js';
import type { Dialler } from './dialler.js';
import { PodPool } from './pod-http/pod-pool.js';
import type { Asker } from './pod-http/pod-wire.js';

const IDLE_POOL_MS = 60_000;
const SWEEP_MS = 15_000;
const SETTLING_MS = 100;

/** The way to one pod at one address. */
export class PodConnection {
  private readonly pool: PodPool;
  /** Beside the pool's: what was handed out as bare sockets. */
  private readonly sockets = new Set<Socket>();
  usedAtMs = 0;
  private readonly gone = new AbortController();

  constructor(
    readonly address: string,
    private readonly dialler: Dialler,
    clock: Clock,
    private readonly distrusted: (connection: PodConnection) => void,
    /** Dials wait for this. */
    private readonly settled?: Promise<void>,
  ) {
    this.pool = new PodPool(() => this.dialWhenSettled(this.gone.signal), clock);
  }

  get isGone(): boolean {
    return this.gone.signal.aborted;
  }

  get isIdle(): boolean {
    return this.pool.isIdle && this.sockets.size === 0;
  }

  ask(asker: Asker): void {
    this.pool.ask(asker);
  }

  /** A connection of one's own, for a WebSocket. */
  async dial(signal: AbortSignal): Promise<Socket> {
    const socket = await this.dialWhenSettled(AbortSignal.any([signal, this.gone.signal]));
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  }

  private async dialWhenSettled(signal: AbortSignal): Promise<Socket> {
    if (this.settled) await this.settled;
    return this.dialler.dial(this.address, signal);
  }

  /**
   * A connection died under a request. Others that were kept may be dying as well, and nobody may have noticed yet: the
   * next request dials. A process that ends closes its connections a little before it stops listening; so the dial
   * waits a moment, or it would reach one that accepts and never answers.
   */
  distrust(): void {
    this.distrusted(this);
  }

  /** Nothing new; what is under way may finish. */
  letGo(): void {
    this.gone.abort();
    this.pool.close();
  }

  cut(): void {
    this.gone.abort();
    this.pool.destroy();
    for (const socket of this.sockets) socket.destroy();
  }
}

export class PodConnections {
  private readonly connections = new Map<string, PodConnection>();
  private sweeping?: Timer;

  constructor(
    sessions: Sessions,
    private readonly dialler: Dialler,
    private readonly clock: Clock,
    private readonly drainMs: number,
  ) {
    sessions.onPodGone((address) => this.podGone(address));
  }

  to(address: string): PodConnection {
    const connection = this.connections.get(address) ?? this.put(address);
    connection.usedAtMs = this.clock.monotonicMs();
    return connection;
  }

  get size(): number {
    return this.connections.size;
  }

  /** At the stop, after the drain. */
  close(): void {
    this.sweeping?.cancel();
    for (const connection of this.connections.values()) connection.cut();
    this.connections.clear();
  }

  /** Lets go of what nobody used for a while. */
  sweep(): void {
    const nowMs = this.clock.monotonicMs();
    for (const [address, connection] of this.connections) {
      if (nowMs - connection.usedAtMs < IDLE_POOL_MS || !connection.isIdle) continue;
      this.connections.delete(address);
      connection.letGo();
    }
  }

  private put(address: string, settled?: Promise<void>): PodConnection {
    const { dialler, clock } = this;
    const connection = new PodConnection(address, dialler, clock, (distrusted) => this.replace(distrusted), settled);
    this.connections.set(connection.address, connection);
    this.sweepSoon();
    return connection;
  }

  private replace(connection: PodConnection): void {
    if (this.connections.get(connection.address) !== connection) return;
    this.put(connection.address, pause(this.clock, SETTLING_MS));
    connection.letGo();
  }

  private podGone(address: string): void {
    const connection = this.connections.get(address);
    if (!connection) return;
    this.connections.delete(address);
    connection.letGo();
    this.clock.after(this.drainMs, () => connection.cut());
  }

  private sweepSoon(): void {
    this.sweeping ??= this.clock.after(SWEEP_MS, () => {
      this.sweeping = undefined;
      this.sweep();
      if (this.connections.size > 0) this.sweepSoon();
    });
  }
}
