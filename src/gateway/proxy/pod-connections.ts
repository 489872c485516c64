/**
 * The connections to pods: one pool for each address that is in use. A pool lives as long as requests come; it is let
 * go when nobody asked for a while, and when the pod stops being one that requests may reach. What is open to such a
 * pod gets the drain time, then it is cut, so that nothing hangs on a machine that is no more.
 */
import type { Socket } from 'node:net';

import { type Dispatcher, Pool } from 'undici';

import type { Sessions } from '../../lifecycle/sessions.js';
import { type Clock, pause, type Timer } from '../../platform/clock.js';
import type { Dialler } from './dialler.js';

/** More than any real session has open at once, less than the ephemeral ports towards one address. */
const MOST_CONNECTIONS = 1_024;
/**
 * Shorter than the keep-alive of the servers found in images (2 s and up), so that no request is written on a
 * connection the pod is about to close. A server that says `Keep-Alive: timeout=N` is believed, less two seconds.
 */
const KEEP_ALIVE_MS = 1_500;
const LONGEST_KEEP_ALIVE_MS = 60_000;
/** undici's own notion: this much less than the server said. */
const KEEP_ALIVE_MARGIN_MS = 2_000;
const IDLE_POOL_MS = 60_000;
const SWEEP_MS = 15_000;
const SETTLING_MS = 100;

/** The way to one pod at one address. */
export class PodConnection {
  readonly pool: Pool;
  /** Beside the pool's: what was handed out as bare sockets. */
  readonly sockets = new Set<Socket>();
  usedAtMs = 0;
  private readonly gone = new AbortController();

  constructor(
    readonly address: string,
    private readonly dialler: Dialler,
    private readonly distrusted: (connection: PodConnection) => void,
    /** Dials wait for this. */
    private readonly settled: Promise<void> | undefined,
  ) {
    this.pool = new Pool(`http://${address}`, {
      connections: MOST_CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: LONGEST_KEEP_ALIVE_MS,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      headersTimeout: 0, // time-outs are StreamWatch's: undici's know one direction only
      bodyTimeout: 0,
      connect: (_options, callback) => {
        void this.dialWhenSettled(this.gone.signal).then(
          (socket) => callback(null, socket),
          (error: Error) => callback(error, null),
        );
      },
    });
  }

  get isGone(): boolean {
    return this.gone.signal.aborted;
  }

  get isIdle(): boolean {
    const { running, queued, pending } = this.pool.stats;
    return running + queued + pending + this.sockets.size === 0;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.pool.dispatch(options, handler);
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
    this.pool.close().catch(() => undefined);
  }

  cut(): void {
    this.gone.abort();
    this.pool.destroy().catch(() => undefined);
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
    const connection = this.connections.get(address) ?? this.open(address);
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

  private open(address: string): PodConnection {
    return this.put(new PodConnection(address, this.dialler, (distrusted) => this.replace(distrusted), undefined));
  }

  private put(connection: PodConnection): PodConnection {
    this.connections.set(connection.address, connection);
    this.sweepSoon();
    return connection;
  }

  private replace(connection: PodConnection): void {
    if (this.connections.get(connection.address) !== connection) return;
    const settled = pause(this.clock, SETTLING_MS);
    this.put(new PodConnection(connection.address, this.dialler, (distrusted) => this.replace(distrusted), settled));
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
