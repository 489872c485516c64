import type { Socket } from 'node:net';

import type { Clock, Timer } from '../../../platform/clock.js';
import { type Asker, PodWire, type WireOwner } from './pod-wire.js';

/** More than any real session has open at once, less than the ephemeral ports towards one address. */
const MOST_CONNECTIONS = 1_024;
/**
 * Shorter than the keep-alive of the servers found in images (2 s and up), so that no request is written on a
 * connection the pod is about to close. A server that says `Keep-Alive: timeout=N` is believed, less two seconds.
 */
const KEEP_ALIVE_MS = 1_500;
const LONGEST_KEEP_ALIVE_MS = 60_000;
const KEEP_ALIVE_MARGIN_MS = 2_000;

/** The connections to one address. The one that was used last is used next, so that what is not needed gets old. */
export class PodPool implements WireOwner {
  private readonly wires = new Set<PodWire>();
  private readonly idle: PodWire[] = [];
  private readonly queue: Asker[] = [];
  private dialling = 0;
  private isClosed = false;
  private expiry?: Timer;

  constructor(
    private readonly dial: () => Promise<Socket>,
    private readonly clock: Clock,
  ) {}

  get isIdle(): boolean {
    return this.queue.length + this.dialling === 0 && this.wires.size === this.idle.length;
  }

  ask(asker: Asker): void {
    const wire = this.freshIdle();
    if (wire) return this.serve(wire, asker);
    if (this.isClosed) return asker.onFailed(new Error('the connections to this pod are closed'));
    this.queue.push(asker);
    this.dialIfWorth();
  }

  /** What is under way may finish. */
  close(): void {
    this.isClosed = true;
    this.expiry?.cancel();
    for (const wire of this.idle.splice(0)) wire.destroy();
    for (const asker of this.queue.splice(0)) asker.onFailed(new Error('the connections to this pod are closed'));
  }

  destroy(): void {
    this.close();
    for (const wire of [...this.wires]) wire.destroy();
  }

  freed(wire: PodWire): void {
    const next = this.queue.shift();
    if (next) return this.serve(wire, next);
    const keptMs = keptFor(wire);
    if (this.isClosed || keptMs <= 0) return wire.destroy();
    wire.expiresAtMs = this.clock.monotonicMs() + keptMs;
    this.idle.push(wire);
    this.expiry ??= this.clock.after(KEEP_ALIVE_MS, this.expire);
  }

  closed(wire: PodWire): void {
    this.wires.delete(wire);
    const at = this.idle.indexOf(wire);
    if (at >= 0) this.idle.splice(at, 1);
    this.dialIfWorth();
  }

  private serve(wire: PodWire, asker: Asker): void {
    const request = asker.onTurn(wire);
    if (request) wire.send(asker, request);
    else this.freed(wire);
  }

  private freshIdle(): PodWire | undefined {
    const nowMs = this.clock.monotonicMs();
    for (let wire = this.idle.pop(); wire; wire = this.idle.pop()) {
      if (wire.isUsable && nowMs < wire.expiresAtMs) return wire;
      wire.destroy();
    }
    return undefined;
  }

  private dialIfWorth(): void {
    const isWorth = this.queue.length > this.dialling && this.wires.size + this.dialling < MOST_CONNECTIONS;
    if (!isWorth || this.isClosed) return;
    this.dialling += 1;
    this.dial().then(
      (socket) => this.dialled(socket),
      (error: Error) => this.notDialled(error),
    );
  }

  private dialled(socket: Socket): void {
    this.dialling -= 1;
    const wire = new PodWire(socket, this);
    this.wires.add(wire);
    this.freed(wire);
  }

  /** Each dial was made for one that waits. */
  private notDialled(error: Error): void {
    this.dialling -= 1;
    this.queue.shift()?.onFailed(error);
    this.dialIfWorth();
  }

  private readonly expire = (): void => {
    const nowMs = this.clock.monotonicMs();
    for (const wire of this.idle.filter(({ expiresAtMs }) => expiresAtMs <= nowMs)) wire.destroy();
    this.expiry = this.idle.length > 0 ? this.clock.after(KEEP_ALIVE_MS, this.expire) : undefined;
  };
}

function keptFor({ keepAliveMs }: PodWire): number {
  if (keepAliveMs === undefined) return KEEP_ALIVE_MS;
  return Math.min(keepAliveMs - KEEP_ALIVE_MARGIN_MS, LONGEST_KEEP_ALIVE_MS);
}
