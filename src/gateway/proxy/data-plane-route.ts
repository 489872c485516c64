import type { IncomingHttpHeaders } from 'node:http';

/** A request that is for a session's pod. */
export interface DataPlaneTarget {
  route: 'execute' | 'proxy' | 'transparent';
  /** As it came; whether it is legal is looked at once it is known who asks. */
  idText: string;
  /** Path and query for the pod, exactly as they came: neither decoded nor normalised. */
  podPath: string;
}

const SESSIONS = '/api/v1/session/';
const EXECUTE = '/execute';
const PROXY = '/proxy';
/** Paths that are Berth's own even when a session is named in a header. */
const OWN = ['/api/v1', '/docs', '/docs-json', '/health'];

/**
 * Looks at the raw path once, before anything decodes it. What follows `/proxy` is the pod's business: `..` and
 * encodings in it are passed as they came and can reach no other route of Berth, because nothing looks at it again.
 */
export function dataPlaneTargetOf(
  method: string | undefined,
  url: string,
  headers: IncomingHttpHeaders,
): DataPlaneTarget | undefined {
  if (url.startsWith(SESSIONS)) return sessionTargetOf(method, url);
  const idText = headers['x-session-id'] ?? headers['x-user-id'];
  if (idText === undefined || isOwn(url)) return undefined;
  return { route: 'transparent', idText: String(idText), podPath: url };
}

function sessionTargetOf(method: string | undefined, url: string): DataPlaneTarget | undefined {
  const idEnd = url.indexOf('/', SESSIONS.length);
  if (idEnd < 0) return undefined;
  const segment = url.slice(SESSIONS.length, idEnd);
  if (segment.includes('?')) return undefined;
  const idText = decoded(segment);
  if (url.startsWith(EXECUTE, idEnd) && endsSegment(url, idEnd + EXECUTE.length)) {
    const rest = url.slice(idEnd + EXECUTE.length);
    return method === 'POST' && !rest.startsWith('/')
      ? { route: 'execute', idText, podPath: EXECUTE + rest }
      : undefined;
  }
  if (url.startsWith(PROXY, idEnd) && endsSegment(url, idEnd + PROXY.length)) {
    const rest = url.slice(idEnd + PROXY.length);
    return { route: 'proxy', idText, podPath: rest.startsWith('/') ? rest : `/${rest}` };
  }
  return undefined;
}

function endsSegment(url: string, at: number): boolean {
  return at === url.length || url[at] === '/' || url[at] === '?';
}

function isOwn(url: string): boolean {
  return OWN.some((prefix) => url.startsWith(prefix) && endsSegment(url, prefix.length));
}

/** RFC 3986 section 2.3: `%7E` is `~`. What is not encoded well is no legal id either, and is left as it is. */
function decoded(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
