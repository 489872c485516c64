/**
 * A stranger's application for the process runtime: it knows nothing of Berth but PORT, HOST and a health path, and
 * does on request all that a proxy has to cope with. Started as a template's command.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { clearInterval, setInterval } from 'node:timers';
import { URL } from 'node:url';

import { WebSocketServer } from 'ws';

const { CRASH_AT_START, CRASH_WHILE_EXISTS, START_WHEN_EXISTS, HOST, PORT } = process.env;
const TICK_MS = 50;

/** What is going on here, for tests that look from behind the proxy. */
const seen = { requests: 0, open: 0, aborted: 0, sockets: 0 };

const routes = {
  'GET /health': (request, response) => response.end('ok'),
  'GET /seen': (request, response) => json(response, { ...seen, pid: process.pid }),
  'GET /env': (request, response) => json(response, process.env),
  'GET /events': (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    let tick = 0;
    every(response, () => response.write(`id: ${++tick}\nevent: tick\ndata: {"tick":${tick}}\n\n`));
  },
  'POST /upload': (request, response) => {
    const hash = createHash('sha256');
    let bytes = 0;
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    request.on('data', (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
      response.write(`{"received":${bytes}}\n`);
    });
    request.on('end', () => response.end(`${JSON.stringify({ bytes, sha256: hash.digest('hex') })}\n`));
  },
  'GET /slow': (request, response, query) => {
    setTimeout(() => json(response, { sleptMs: Number(query.get('ms')) }), Number(query.get('ms')));
  },
  'GET /bytes': (request, response, query) => sendBytes(request, response, Number(query.get('n'))),
  'HEAD /bytes': (request, response, query) => sendBytes(request, response, Number(query.get('n'))),
  'POST /crash': (request, response, query) => process.exit(Number(query.get('code') ?? 1)),
  'GET /abort': (request, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('half an answer', () => process.exit(1));
  },
  'GET /close': (request) => request.socket.destroy(),
  'GET /trailers': (request, response) => {
    response.writeHead(200, { trailer: 'x-checksum' });
    response.write('body');
    response.addTrailers({ 'x-checksum': 'abc' });
    response.end();
  },
  'GET /no-content': (request, response) => response.writeHead(204, { 'x-kept': 'yes' }).end(),
  'GET /not-modified': (request, response) => response.writeHead(304, { etag: '"v1"' }).end(),
  'GET /redirect': (request, response) => response.writeHead(302, { location: '/elsewhere?x=1' }).end(),
  'GET /cookies': (request, response) => {
    response.writeHead(200, ['set-cookie', 'a=1; Path=/', 'set-cookie', 'b=2', 'x-powered-by', 'demo']).end('two');
  },
  'GET /status': (request, response, query) => {
    response.writeHead(Number(query.get('code')), { 'content-type': 'text/plain', 'retry-after': '7' }).end('as told');
  },
};

const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (request, response) => {
  const url = new URL(request.url, 'http://pod');
  if (url.pathname !== '/health') watch(response);
  const route = routes[`${request.method} ${url.pathname}`];
  if (route) return route(request, response, url.searchParams);
  if (url.pathname.startsWith('/headers')) return showRequest(request, response);
  if (url.pathname === '/echo') return echo(request, response);
  response.writeHead(404, { 'content-type': 'text/plain' }).end(`the demo pod has no ${url.pathname}`);
});

const sockets = new WebSocketServer({ server, handleProtocols: (protocols) => [...protocols][0] ?? false });
sockets.on('connection', (socket, request) => {
  seen.sockets++;
  socket.on('close', () => seen.sockets--);
  socket.on('error', () => undefined);
  const path = request.url.split('?')[0];
  if (path === '/ws') socket.on('message', (data, isBinary) => answerMessage(socket, data, isBinary));
  else if (path === '/ws/clock') everyTick(socket);
  else if (path === '/ws/headers') socket.send(JSON.stringify({ url: request.url, headers: request.headers }));
  else socket.close(4404, 'no such socket');
});

function answerMessage(socket, data, isBinary) {
  const command = /^close:(\d{4})$/.exec(isBinary ? '' : data.toString());
  if (command) socket.close(Number(command[1]), 'as told');
  else socket.send(data, { binary: isBinary });
}

function everyTick(socket) {
  let tick = 0;
  const timer = setInterval(() => socket.send(JSON.stringify({ tick: ++tick })), TICK_MS);
  socket.on('close', () => clearInterval(timer));
}

function every(response, write) {
  write();
  const timer = setInterval(write, TICK_MS);
  response.on('close', () => clearInterval(timer));
}

function watch(response) {
  seen.requests++;
  seen.open++;
  response.on('close', () => {
    seen.open--;
    if (!response.writableFinished) seen.aborted++;
  });
}

function sendBytes(request, response, total) {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': total });
  if (request.method === 'HEAD') return response.end();
  const block = Buffer.alloc(65_536, 'b');
  let left = total;
  const more = () => {
    while (left > 0) {
      const size = Math.min(left, block.length);
      left -= size;
      if (!response.write(block.subarray(0, size))) return response.once('drain', more);
    }
    response.end();
  };
  more();
}

function showRequest(request, response) {
  const { method, url, headers, rawHeaders } = request;
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => json(response, { method, url, headers, rawHeaders, body }));
}

function echo(request, response) {
  response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'application/octet-stream' });
  response.flushHeaders();
  request.pipe(response);
}

function json(response, value) {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

if (CRASH_AT_START === '1' || (CRASH_WHILE_EXISTS && existsSync(CRASH_WHILE_EXISTS))) {
  process.stderr.write('cannot start: the flux capacitor is missing\n');
  process.exitCode = 3;
} else {
  startWhenAllowed();
}

function startWhenAllowed() {
  if (START_WHEN_EXISTS && !existsSync(START_WHEN_EXISTS)) return setTimeout(startWhenAllowed, 20);
  server.listen(Number(PORT ?? 8080), HOST, () => console.log(`demo pod listens on port ${server.address().port}`));
}
