/**
 * What stands behind every proxy of the bench: answers at once, whatever stands before the last word of the path. It knows
 * nothing of Berth but HOST, PORT and a health path, so that it can be a session's pod.
 */
import { createServer } from 'node:http';
import { clearInterval, setInterval } from 'node:timers';
import { URLSearchParams } from 'node:url';

import { WebSocketServer } from 'ws';

const LARGE = Buffer.alloc(64 * 1_024, 'b');
const RESULT = Buffer.from(JSON.stringify({ sessionId: 'bench', executions: 1, data: { answer: 'x'.repeat(120) } }));
const PADDING = 'x'.repeat(80);
const BLOCK = Buffer.alloc(256 * 1_024, 'b');

const json = { 'content-type': 'application/json', 'content-length': RESULT.length };
const binary = { 'content-type': 'application/octet-stream', 'content-length': LARGE.length };

const routes = {
  health: (request, response) => response.end('ok'),
  execute: (request, response) => afterBody(request, () => response.writeHead(200, json).end(RESULT)),
  large: (request, response) => afterBody(request, () => response.writeHead(200, binary).end(LARGE)),
  events: (request, response, query) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.flushHeaders();
    const periodMs = Number(query.get('period'));
    if (periodMs === 0) return;
    const timer = setInterval(() => response.write(`data: ${process.hrtime.bigint()} ${PADDING}\n\n`), periodMs);
    response.on('close', () => clearInterval(timer));
  },
  endless: (request, response, query) => sendBytes(response, Number(query.get('bytes'))),
  swallow: (request, response, query) => {
    let bytes = 0;
    let stillAfter = Number(query.get('stillAfter') ?? Infinity);
    request.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes < stillAfter) return;
      stillAfter = Infinity;
      request.pause();
      setTimeout(() => request.resume(), Number(query.get('stillMs')));
    });
    request.on('end', () => response.end(String(bytes)));
  },
};

function afterBody(request, answer) {
  if (request.headers['content-length'] === undefined && !request.headers['transfer-encoding']) return answer();
  request.resume().once('end', answer);
}

function sendBytes(response, total) {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': total });
  let left = total;
  const more = () => {
    while (left > 0) {
      const piece = BLOCK.subarray(0, Math.min(left, BLOCK.length));
      left -= piece.length;
      if (!response.write(piece)) return response.once('drain', more);
    }
    response.end();
  };
  more();
}

const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (request, response) => {
  const [path, query = ''] = request.url.split('?');
  const route = routes[path.slice(path.lastIndexOf('/') + 1)];
  if (route) return route(request, response, new URLSearchParams(query));
  response.writeHead(404).end();
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  socket.on('error', () => undefined);
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
// With a loopback address for each pod it listens everywhere; nobody else is to find it there.
server.on('connection', (socket) => socket.localAddress?.includes('127.') || socket.destroy());
server.listen({ port: Number(process.env.PORT), host: process.env.HOST, backlog: 4_096 });
