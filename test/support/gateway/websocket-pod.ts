import type { IncomingMessage } from 'node:http';

import { type WebSocket, WebSocketServer } from 'ws';

import type { EdgeWithPods } from './edge-with-pods.js';
import type { PodServer } from './pod-server.js';

export type Accept = (socket: WebSocket, req: IncomingMessage) => void;

/** A pod that speaks WebSocket; everything else it answers with 404. */
export async function webSocketPod(edge: EdgeWithPods, accept: Accept, options: object = {}): Promise<PodServer> {
  const pod = await edge.podWith((_req, res) => res.writeHead(404).end('no WebSocket here'));
  const server = new WebSocketServer({ server: pod.server, ...options });
  server.on('connection', accept);
  return pod;
}

export const echo: Accept = (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
};

/** The handshake of a client, as it stands on the wire. */
export function upgradeText(path: string, ...headers: string[]): string {
  const handshake = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
  handshake.push('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...headers);
  return [`GET ${path} HTTP/1.1`, 'Host: a', ...handshake, '', ''].join('\r\n');
}
