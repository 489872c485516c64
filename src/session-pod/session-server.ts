import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { Log } from './log.js';
import { Problem } from './problem.js';
import { readData } from './request-body.js';
import type { Session } from './session.js';

interface Answer {
  status: number;
  body: object;
}
type Handler = (request: IncomingMessage) => Answer | Promise<Answer>;

/** Longer than any proxy keeps a connection, so that it is never this side that closes one just as a request comes. */
const KEEP_ALIVE_MS = 75_000;

/** The HTTP face of a session: who may ask what, and how answers and refusals look on the wire. */
export function createSessionServer(session: Session, log: Log): Server {
  const startedAt = new Date().toISOString();
  const show = (): object => ({ ...session.state, startedAt, pid: process.pid });

  const execute: Handler = async (request) => {
    const data = await readData(request);
    const { previous, state } = await session.execute(data);
    log.info(`execute ${state.executions} of session ${state.sessionId ?? '(unclaimed)'}: ${kindOf(data)}`);
    return { status: 200, body: { ...show(), ...state, previous } };
  };
  const routes: Record<string, Record<string, Handler>> = {
    '/execute': { POST: execute },
    '/state': readable(() => ({ status: 200, body: show() })),
    '/health': readable(() => ({ status: 200, body: { status: 'ok' } })),
  };

  const handle = async (request: IncomingMessage): Promise<Answer> => {
    const path = (request.url ?? '/').split('?')[0]!;
    if (path !== '/health') session.admit(header(request, 'x-session-id'), generationOf(request));
    const methods = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (!methods) throw new Problem(404, 'There are POST /execute, GET /state and GET /health.');
    const handler = methods[request.method ?? ''];
    if (handler) return handler(request);
    throw new Problem(405, 'This path does not know that method.', { allow: Object.keys(methods).join(', ') });
  };

  // A body may take as long as it keeps coming: whoever proxies decides, not Node's total time-out.
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (request, response) => {
    handle(request).then(
      ({ status, body }) => send(request, response, status, body),
      (error: unknown) => refuse(request, response, error, log),
    );
  });
  return server;
}

function readable(handler: Handler): Record<string, Handler> {
  return { GET: handler, HEAD: handler };
}

function header(request: IncomingMessage, name: string): string | undefined {
  return request.headersDistinct[name]?.join(', ');
}

function generationOf(request: IncomingMessage): number | undefined {
  const generation = Number(header(request, 'x-session-generation'));
  return Number.isSafeInteger(generation) && generation > 0 ? generation : undefined;
}

function kindOf(data: unknown): string {
  if (data === null) return 'null';
  return Array.isArray(data) ? 'array' : typeof data;
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown, log: Log): void {
  if (request.destroyed && !request.complete) return; // the client went away in mid-body
  const problem = error instanceof Problem ? error : new Problem(500, 'The session could not keep its state.');
  if (problem !== error) log.error(`request failed: ${error instanceof Error ? error.message : String(error)}`);
  response.setHeaders(new Map(Object.entries(problem.headers as Record<string, string>)));
  send(request, response, problem.status, problem);
}

function send(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': body instanceof Problem ? 'application/problem+json' : 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
  request.resume(); // what is left of a refused body is read away, or the client would never see the answer
}
