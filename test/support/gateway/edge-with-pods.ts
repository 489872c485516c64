import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type RequestOptions } from 'node:http';
import type { AddressInfo } from 'node:net';

import { eventually } from '../eventually.js';
import { EdgeHarness, WITH_TOKEN } from './edge-harness.js';
import { PodServer } from './pod-server.js';

export const MiB = 1_024 * 1_024;
/** Where session `a` is asked for. */
export const PROXY = '/api/v1/session/a/proxy/';

/** The edge and the pods of session `a`, taken down together; every admission must have been released by then. */
export class EdgeWithPods {
  harness = new EdgeHarness();
  private readonly pods: PodServer[] = [];

  async setUp(...settings: Parameters<EdgeHarness['start']>): Promise<void> {
    await this.harness.start(...settings);
  }

  async tearDown(): Promise<void> {
    await this.released();
    await this.harness.stop();
    await Promise.all(this.pods.splice(0).map((pod) => pod.stop()));
    this.harness = new EdgeHarness();
  }

  /** The pod that session `a` has from now on. */
  async podWith(handler: RequestListener, generation = 1): Promise<PodServer> {
    const pod = await this.pod(handler);
    this.harness.sessions.place('a', pod.address, generation);
    return pod;
  }

  async pod(handler: RequestListener, port?: number): Promise<PodServer> {
    const pod = await new PodServer(handler).start(port);
    this.pods.push(pod);
    return pod;
  }

  to(method = 'GET', headers: Record<string, string> = {}, path = PROXY): RequestOptions {
    return { host: '127.0.0.1', port: this.harness.port, method, path, headers: { ...WITH_TOKEN, ...headers } };
  }

  released(): Promise<void> {
    return eventually(() => expect(this.harness.sessions.inUse).toBe(0));
  }
}

/** An address where nobody listens. */
export async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

/** Resolves when the pod's side of a request is over, however that came. */
export function cutOff(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => void req.on('error', () => undefined).on('close', resolve));
}

/** A count that does not move any more; for what is held back by somebody who does not read. */
export async function settledCount(read: () => number): Promise<number> {
  let before = -1;
  return eventually(() => {
    const now = read();
    const isSettled = now === before;
    before = now;
    if (!isSettled) throw new Error('still moving');
    return now;
  });
}
