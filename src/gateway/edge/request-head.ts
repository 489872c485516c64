import type { IncomingMessage } from 'node:http';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import type { Randomness } from '../../platform/randomness.js';

const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]+)(.*)$/i;
/** RFC 3986 section 3.2.2, without the comma, which others take for the end of a first host. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._~%!$&'()*+;=-]*)(?::\d*)?$/i;

/** The last that was looked at: nearly always the next one, too. */
let goodHost = '';

/** The client's own id where it can stand in a log line as it is; seen by Express, by pods and by the client. */
export function nameRequest(req: IncomingMessage, randomness: Randomness): string {
  const given = req.headers['x-request-id'];
  const requestId = typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : randomness.uuid();
  req.headers['x-request-id'] = requestId;
  return requestId;
}

/**
 * RFC 9112 section 3.2.2: a request to a proxy names the whole URL, and a server must take it, and must then believe
 * it rather than the Host header. From here on there is only a path.
 */
export function toOriginForm(req: IncomingMessage): void {
  const url = req.url ?? '/';
  if (url.charCodeAt(0) === 0x2f) return;
  const [, authority, rest] = ABSOLUTE_FORM.exec(url) ?? [];
  if (authority === undefined || rest === undefined) return;
  req.url = rest.startsWith('/') ? rest : `/${rest}`;
  req.headers.host = authority;
  const at = req.rawHeaders.findIndex((name, index) => index % 2 === 0 && isHost(name));
  if (at >= 0) req.rawHeaders[at + 1] = authority;
}

/**
 * What Node's parser lets through and two servers could read differently. Lengths that contradict each other, folded
 * headers, bare line feeds and the like are refused by the parser itself.
 */
export function faultOf(req: IncomingMessage): LifecycleError | undefined {
  if (req.httpVersionMajor !== 1) return fault('Only HTTP/1.1 and HTTP/1.0 are spoken here.'); // 0.9 has no headers
  return codingFaultOf(req) ?? hostFaultOf(req) ?? targetFaultOf(req);
}

/**
 * Node's parser finds nothing behind a request to upgrade: when the request is answered as an ordinary one, what had
 * been read with it is lost, and its connection would go on somewhere in the middle.
 */
export function losesItsPlace({ headers }: IncomingMessage): boolean {
  return headers.upgrade !== undefined;
}

/** RFC 9112 section 6.1. */
function codingFaultOf({ headers, httpVersionMinor }: IncomingMessage): LifecycleError | undefined {
  const encoding = headers['transfer-encoding'];
  if (encoding === undefined) return undefined;
  // A coding beside chunked would reach the pod unannounced, for only chunked is undone here.
  if (encoding.toLowerCase() !== 'chunked') return fault('Transfer-Encoding may be chunked only.');
  return httpVersionMinor === 0 ? fault('HTTP/1.0 has no Transfer-Encoding.') : undefined;
}

/** RFC 9112 section 3.2. */
function hostFaultOf({ rawHeaders, headers, httpVersionMinor }: IncomingMessage): LifecycleError | undefined {
  const hosts = hostsOf(rawHeaders);
  if (hosts > 1) return fault('There is more than one Host header.');
  if (hosts === 0 && httpVersionMinor === 1) return fault('There is no Host header.');
  const { host = '' } = headers;
  if (host === goodHost) return undefined;
  if (!HOST.test(host)) return fault('The host is none.');
  goodHost = host;
  return undefined;
}

/** A pod could take any other form for a URL of its own, and a fragment for a part of the path or for none. */
function targetFaultOf({ url = '', method }: IncomingMessage): LifecycleError | undefined {
  if (url.startsWith('/') ? !url.includes('#') : url === '*' && method === 'OPTIONS') return undefined;
  return fault('The target of the request is neither a path nor an http URL.');
}

function hostsOf(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (isHost(rawHeaders[at]!)) hosts += 1;
  return hosts;
}

function isHost(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === 'host';
}

function fault(sentence: string): LifecycleError {
  return new LifecycleError('INVALID_REQUEST', sentence);
}
