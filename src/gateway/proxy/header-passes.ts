/**
 * What of a request's head goes on to the pod, and what of its answer's head goes back. Pure, and the same for plain
 * HTTP and for WebSocket, so that nothing can be smuggled past one of them.
 *
 * A request passes: what is meant for this hop only, credentials and whatever claims an identity are stopped; then
 * Berth says which session this is and from where the request came. What the client says of itself is stopped before
 * Berth's own is added, so nothing that a client names in `Connection` can remove Berth's.
 */

import { BoundedMap } from '../../platform/bounded-map.js';

/** Name and value by turns, as Node's `rawHeaders`; names in lower case. */
export type Fields = string[];

export interface SessionFacts {
  id: string;
  generation: number;
  restarts?: number;
  start?: 'none' | 'warm' | 'cold';
  heldMs?: number;
}

export interface RequestFacts {
  session: Pick<SessionFacts, 'id' | 'generation'>;
  requestId: string;
  /** The other end of the client's connection. */
  peer: string | undefined;
  isEncrypted: boolean;
}

export interface ResponseFacts {
  session: SessionFacts;
  requestId: string;
  podMs: number;
  /** Berth answers for CORS here, and what it has put into `Vary`; the pod has no say in it. */
  cors?: { vary?: string };
  /** Berth itself says how long browsers come by TLS only. */
  hasHsts?: boolean;
}

/** RFC 9110 section 7.6.1, and what is between a client and the next proxy only. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];
/** The pod must not be able to act as its client. */
const CREDENTIALS = ['authorization', 'proxy-authorization', 'x-api-key'];
/** Said of the host, which is Berth's and all sessions', not a pod's. */
export const HSTS = 'strict-transport-security';
/** Applications behind a proxy believe these; from outside they are claims anybody can make. */
const IDENTITY = [
  'x-forwarded-user',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-user-id',
];
const IDENTITY_PREFIXES = ['x-session-', 'x-remote-', 'x-verified-', 'x-auth-'];
/** CGI, WSGI and their like make the same variable of X-Session-Id, X_Session_Id and, some of them, X.Session'Id. */
const ODD = /[^a-z0-9-]/g;
const IS_ODD = /[^a-z0-9-]/;
const OTHERS = [
  'x-request-id', // Berth's is the one that was checked
  'expect', // answered here: RFC 9110 section 10.1.1
  'proxy', // httpoxy, CVE-2016-5385: CGI makes HTTP_PROXY of it
];

const STOPPED = new Set([...HOP_BY_HOP, ...CREDENTIALS, ...IDENTITY, ...OTHERS]);
const STOPPED_BACK = new Set([...HOP_BY_HOP, 'x-request-id']);
/** Framing and routing are not the client's to remove by naming them in `Connection`. */
const NEVER_BY_NAME = new Set(['host', 'content-length', 'close', 'keep-alive', 'upgrade', '']);
const BEARER_SUBPROTOCOL = 'berth.bearer.';
/** No header has this name. */
const STOPS = '';
const MOST_NAMES = 1_000;
const LONGEST_REMEMBERED = 64;
const NAMES = new BoundedMap<string, string>(MOST_NAMES);

type RequestPass = (fields: Fields, facts: RequestFacts) => void;

/** After the stops, in this order. */
const REQUEST_PASSES: readonly RequestPass[] = [nameSession, nameOrigin];

export function headersToPod(raw: readonly string[], facts: RequestFacts): Fields {
  const fields: Fields = [];
  let named: Set<string> | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    const name = nameToPod(raw[at]!);
    const value = raw[at + 1]!;
    if (name === 'connection') named = namedIn(value, named);
    else if (name === 'sec-websocket-protocol') offer(fields, value);
    else if (name !== STOPS) fields.push(name, value);
  }
  const passed = named ? without(fields, named) : fields;
  for (const pass of REQUEST_PASSES) pass(passed, facts);
  return passed;
}

/** For `writeHead`: name and value by turns. */
export type AnswerFields = string[];

export function headersFromPod(raw: readonly string[], facts: ResponseFacts): AnswerFields {
  const { cors } = facts;
  const fields: AnswerFields = [];
  let named: Set<string> | undefined;
  let podTiming = '';
  let vary = cors?.vary;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    const value = raw[at + 1]!;
    if (name === 'connection') named = namedIn(value, named);
    if (isStoppedBack(name) || (facts.hasHsts && name === HSTS)) continue;
    if (name === 'server-timing') podTiming += `, ${value}`;
    else if (cors === undefined) fields.push(name, value);
    else if (name === 'vary') vary = vary === undefined ? value : `${vary}, ${value}`;
    else if (!name.startsWith('access-control-')) fields.push(name, value);
  }
  const passed = named ? without(fields, named) : fields;
  if (vary !== undefined) passed.push('vary', vary);
  nameAnswer(passed, facts.requestId, facts.session, timing(facts) + podTiming);
  return passed;
}

/** What comes after a body could name a session as well as what comes before it. */
export function trailersFromPod(trailers: Fields): [string, string][] {
  const passed: [string, string][] = [];
  for (let at = 0; at < trailers.length; at += 2) {
    if (!isStoppedBack(trailers[at]!)) passed.push([trailers[at]!, trailers[at + 1]!]);
  }
  return passed;
}

function isStoppedBack(name: string): boolean {
  return STOPPED_BACK.has(name) || name.startsWith('x-session-');
}

/** What every answer of a session carries, refusals included. */
export function nameAnswer(
  fields: AnswerFields,
  requestId: string,
  session: SessionFacts | undefined,
  serverTiming?: string,
): void {
  fields.push('X-Request-Id', requestId);
  if (!session) return;
  fields.push('X-Session-Id', session.id, 'X-Session-Generation', String(session.generation));
  if (session.restarts !== undefined) fields.push('X-Session-Restarts', String(session.restarts));
  if (session.start !== undefined) fields.push('X-Session-Start', session.start);
  if (serverTiming !== undefined) fields.push('Server-Timing', serverTiming);
}

/** The subprotocol entry that carried the token, when it was the only one the client offered. */
export function onlyBearerSubprotocol(offered: string | undefined): string | undefined {
  const entry = offered?.trim();
  return entry?.startsWith(BEARER_SUBPROTOCOL) && !entry.includes(',') ? entry : undefined;
}

/** In lower case, or that it goes no further. Remembered: the same few names come with every request. */
function nameToPod(written: string): string {
  const known = NAMES.get(written);
  if (known !== undefined) return known;
  const name = written.toLowerCase();
  const passes = name === 'connection' || name === 'sec-websocket-protocol' || !isStopped(name);
  if (written.length <= LONGEST_REMEMBERED) NAMES.set(written, passes ? name : STOPS);
  return passes ? name : STOPS;
}

function isStopped(name: string): boolean {
  if (STOPPED.has(name)) return true;
  if (!IS_ODD.test(name)) return hasIdentityPrefix(name);
  const plain = name.replace(ODD, '-');
  return plain === 'content-length' || STOPPED.has(plain) || hasIdentityPrefix(plain);
}

function hasIdentityPrefix(name: string): boolean {
  return name.charCodeAt(0) === 0x78 && IDENTITY_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function namedIn(connection: string, named?: Set<string>): Set<string> | undefined {
  if (NEVER_BY_NAME.has(connection)) return named; // as nearly always
  for (const token of connection.split(',')) {
    const name = token.trim().toLowerCase();
    if (!NEVER_BY_NAME.has(name)) (named ??= new Set()).add(name);
  }
  return named;
}

function without(fields: Fields, named: ReadonlySet<string>): Fields {
  const left: Fields = [];
  for (let at = 0; at < fields.length; at += 2) {
    if (!named.has(fields[at]!)) left.push(fields[at]!, fields[at + 1]!);
  }
  return left;
}

/** A token in the list of subprotocols was for Berth; the rest is between the client and its pod. */
function offer(fields: Fields, offered: string): void {
  const left = offered
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry && !entry.startsWith(BEARER_SUBPROTOCOL));
  if (left.length > 0) fields.push('sec-websocket-protocol', left.join(', '));
}

function nameSession(fields: Fields, { session, requestId }: RequestFacts): void {
  fields.push('x-session-id', session.id, 'x-session-generation', String(session.generation));
  fields.push('x-request-id', requestId);
}

/**
 * The peer is appended to what came as X-Forwarded-For, as every proxy does: behind a load balancer the list is what
 * tells the client's address, and the last entry is the one that Berth saw itself. It is one line, because some
 * frameworks look at the first line only. -Proto and -Host are the first proxy's to say (the one the client spoke
 * to); a client that lies there only misleads its own session, for nobody else's requests reach this pod.
 */
function nameOrigin(fields: Fields, { peer, isEncrypted }: RequestFacts): void {
  let came: string | undefined;
  let hasProto = false;
  let hasHost = false;
  let host: string | undefined;
  let kept = 0;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (name === 'x-forwarded-for') {
      came = came === undefined ? fields[at + 1]! : `${came}, ${fields[at + 1]!}`;
      continue;
    }
    if (name === 'host') host = fields[at + 1];
    else if (name === 'x-forwarded-proto') hasProto = true;
    else if (name === 'x-forwarded-host') hasHost = true;
    if (kept !== at) {
      fields[kept] = name;
      fields[kept + 1] = fields[at + 1]!;
    }
    kept += 2;
  }
  fields.length = kept;
  const chain = came && peer ? `${came}, ${peer}` : (came ?? peer);
  if (chain) fields.push('x-forwarded-for', chain);
  if (!hasProto) fields.push('x-forwarded-proto', isEncrypted ? 'https' : 'http');
  if (!hasHost && host !== undefined) fields.push('x-forwarded-host', host);
}

function timing({ session, podMs }: ResponseFacts): string {
  return `hold;dur=${tenths(session.heldMs ?? 0)}, pod;dur=${tenths(podMs)}`;
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
