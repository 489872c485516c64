import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { ApiClient } from './api-client.js';
import { apiTime } from './api-pod.js';
import type { ContainerLog } from './container-log.js';

export const HOST_IP = '127.0.0.1';

/** The log that is asked for, or why there is none. */
export type FindLog = (pod: string, container: string, previous: boolean) => ContainerLog | string;

/** The node as the API server knows it, and the kubelet's own server, to which the API server passes on who reads logs. */
export class KubeletNode {
  readonly name = `node-${randomBytes(5).toString('hex')}`;
  private readonly server: Server;

  constructor(
    private readonly client: ApiClient,
    certificate: { certFile: string; keyFile: string },
    private readonly findLog: FindLog,
  ) {
    const { certFile, keyFile } = certificate;
    this.server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
  }

  async register(): Promise<void> {
    this.server.listen(0, HOST_IP);
    await once(this.server, 'listening');
    const { port } = this.server.address() as AddressInfo;
    await this.client.call('/api/v1/nodes', { method: 'POST', body: { metadata: { name: this.name } } });
    const now = apiTime(new Date());
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', lastTransitionTime: now };
    const status = {
      addresses: [{ type: 'InternalIP', address: HOST_IP }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
      conditions: [{ ...ready, lastHeartbeatTime: now }],
      capacity: { cpu: '1000', memory: '1000Gi', pods: '10000' },
    };
    const contentType = 'application/merge-patch+json';
    await this.client.call(`/api/v1/nodes/${this.name}/status`, { method: 'PATCH', body: { status }, contentType });
  }

  async remove(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    // The API server may be away: then its node goes with it.
    await this.client.call(`/api/v1/nodes/${this.name}`, { method: 'DELETE' }).catch(() => undefined);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'https://kubelet');
    const [, kind, , pod, container] = url.pathname.split('/');
    if (kind !== 'containerLogs') return void response.writeHead(404).end('404 page not found\n');
    const asked = (name: string): string | null => url.searchParams.get(name);
    const log = this.findLog(pod!, container!, asked('previous') === 'true');
    if (typeof log === 'string') return void response.writeHead(400, { 'content-type': 'text/plain' }).end(log);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders();
    const lines = asked('tailLines');
    const tailLines = lines === null ? undefined : Number(lines);
    for await (const chunk of log.read({ tailLines, follow: asked('follow') === 'true', signal: gone.signal })) {
      if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
    response.end();
  }
}
