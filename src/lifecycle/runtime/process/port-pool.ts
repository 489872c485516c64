import { createSocket, type Socket } from 'node:dgram';
import { createServer } from 'node:net';

import type { Clock } from '../../../platform/clock.js';
import type { Randomness } from '../../../platform/randomness.js';
import { RuntimeUnavailable } from '../../lifecycle.errors.js';

const LOOPBACK = '127.0.0.1';
/** Longer than any replica may still hold the address of the pod that had this port before. */
const REST_MS = 5 * 60_000;

export interface PortRange {
  first: number;
  last: number;
}

/** Below the range from which the kernel takes ports for outgoing connections, which could seize a pod's at a restart. */
export const POD_PORTS: PortRange = { first: 20_000, last: 31_999 };

/**
 * Ports of pods. One that was used rests for minutes while there are others: an address that somebody still remembers
 * must not soon be another session's. While a pod has a port, its UDP twin is held: that is how several Berths on one
 * machine keep out of each other's way, and the kernel lets go of it however Berth ends.
 */
export class PortPool {
  private readonly taken = new Map<number, Socket | undefined>();
  /** Port to when it was given back, oldest first. */
  private readonly resting = new Map<number, number>();
  private next: number;

  constructor(
    private readonly clock: Clock,
    randomness: Randomness,
    private readonly range: PortRange = POD_PORTS,
  ) {
    this.next = range.first + Math.floor(randomness.fraction() * this.size);
  }

  async take(): Promise<number> {
    this.endRests();
    for (let tries = 0; tries < this.size; tries++) {
      const port = this.step();
      if (!this.resting.has(port) && (await this.tryTake(port))) return port;
    }
    for (const port of [...this.resting.keys()]) {
      if (await this.tryTake(port)) return port;
    }
    throw new RuntimeUnavailable(
      `No port between ${this.range.first} and ${this.range.last} is free for another pod; try again when pods have ended.`,
    );
  }

  giveBack(port: number): void {
    this.taken.get(port)?.close();
    this.taken.delete(port);
    this.resting.set(port, this.clock.monotonicMs());
  }

  private async tryTake(port: number): Promise<boolean> {
    if (this.taken.has(port)) return false;
    this.taken.set(port, undefined);
    const twin = await holdTwin(port);
    if (twin && (await isFree(port))) {
      this.taken.set(port, twin);
      this.resting.delete(port);
      return true;
    }
    twin?.close();
    this.taken.delete(port);
    return false;
  }

  private endRests(): void {
    for (const [port, sinceMs] of this.resting) {
      if (this.clock.monotonicMs() - sinceMs < REST_MS) return;
      this.resting.delete(port);
    }
  }

  private step(): number {
    const port = this.next;
    this.next = port >= this.range.last ? this.range.first : port + 1;
    return port;
  }

  private get size(): number {
    return this.range.last - this.range.first + 1;
  }
}

function holdTwin(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind({ port, address: LOOPBACK, exclusive: true }, () => {
      socket.unref();
      resolve(socket);
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
