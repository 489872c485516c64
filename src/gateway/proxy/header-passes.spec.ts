import {
  headersFromPod,
  headersToPod,
  onlyBearerSubprotocol,
  type RequestFacts,
  trailersFromPod,
} from './header-passes.js';

const FACTS: RequestFacts = {
  session: { id: 's1', generation: 3 },
  requestId: 'r1',
  peer: '192.0.2.7',
  isEncrypted: false,
};

function toPod(raw: readonly string[], facts: Partial<RequestFacts> = {}): Record<string, string[]> {
  return grouped(headersToPod(raw, { ...FACTS, ...facts }));
}

function fromPod(headers: Record<string, string | string[]>, corsVary?: string): Record<string, string[]> {
  const session = { id: 's1', generation: 3, restarts: 1, start: 'cold' as const, heldMs: 12.34 };
  return grouped(
    headersFromPod(rawOf(headers), {
      session,
      requestId: 'r1',
      podMs: 5.06,
      cors: corsVary === undefined ? undefined : { vary: corsVary },
    }),
  );
}

function rawOf(headers: Record<string, string | string[]>): string[] {
  return Object.entries(headers).flatMap(([name, values]) => [values].flat().flatMap((value) => [name, value]));
}

function grouped(fields: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let at = 0; at < fields.length; at += 2) {
    (headers[fields[at]!.toLowerCase()] ??= []).push(fields[at + 1]!);
  }
  return headers;
}

describe('the head of a request on its way to the pod', () => {
  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authenticate',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'HTTP2-Settings',
    'Authorization',
    'Proxy-Authorization',
    'X-Session-ID',
    'X-Session-Secret',
    'X-Remote-User',
    'X-Verified-Email',
    'X-Auth-Request-User',
    'X-Forwarded-User',
    'X-Forwarded-Email',
    'X-Forwarded-Groups',
    'X-Forwarded-Preferred-Username',
    'X-User-ID',
    'Expect',
    'Proxy',
    // CGI and WSGI take these for the same variables.
    'X_Session_Id',
    'X_Remote-User',
    'X-Forwarded_User',
    'X.Session.Id',
    "X'Remote~User",
    'Content_Length',
    'Transfer.Encoding',
  ])('loses %s', (name) => {
    const values = Object.values(toPod([name, 'forged', 'Accept', 'a/b'])).flat();
    expect(values).not.toContain('forged');
    expect(values).toContain('a/b');
  });

  it.each([
    ['Cookie', 'a=1'],
    ['Host', 'shop.example'],
    ['Content-Length', '5'],
    ['Content-Encoding', 'gzip'],
    ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ['tracestate', 'x=y'],
    ['X-Custom', 'kept'],
    ['Origin', 'https://app.example'],
    ['Sec-WebSocket-Extensions', 'permessage-deflate'],
  ])('keeps %s', (name, value) => {
    expect(toPod([name, value])[name.toLowerCase()]).toEqual([value]);
  });

  it('loses what the client names in Connection, in any case and in any of its lines', () => {
    const headers = toPod([
      'X-One',
      '1',
      'Connection',
      'close, X-ONE',
      'X-Two',
      '2',
      'connection',
      'x-two',
      'X-Three',
      '3',
    ]);
    expect(headers['x-one']).toBeUndefined();
    expect(headers['x-two']).toBeUndefined();
    expect(headers['x-three']).toEqual(['3']);
  });

  it('keeps framing, routing and what Berth says itself although the client names it in Connection', () => {
    const names = 'host, content-length, x-session-id, x-session-generation, x-forwarded-for, x-request-id';
    const headers = toPod(['Host', 'a', 'Content-Length', '1', 'Connection', names]);
    expect(headers).toMatchObject({
      host: ['a'],
      'content-length': ['1'],
      'x-session-id': ['s1'],
      'x-session-generation': ['3'],
      'x-forwarded-for': ['192.0.2.7'],
      'x-request-id': ['r1'],
    });
  });

  it('says which session and which request it is', () => {
    const headers = toPod(['X-Session-Id', 'other', 'X-Session-Generation', '9', 'X-Request-Id', 'forged']);
    expect(headers['x-session-id']).toEqual(['s1']);
    expect(headers['x-session-generation']).toEqual(['3']);
    expect(headers['x-request-id']).toEqual(['r1']);
  });

  it('keeps every line of a header that stands several times', () => {
    expect(toPod(['X-Many', '1', 'x-many', '2'])['x-many']).toEqual(['1', '2']);
  });

  it.each([
    [[], '192.0.2.7'],
    [['X-Forwarded-For', '198.51.100.1'], '198.51.100.1, 192.0.2.7'],
    [['X-Forwarded-For', 'a', 'Accept', '*/*', 'x-forwarded-for', 'b, c'], 'a, b, c, 192.0.2.7'],
  ])('appends the peer to X-Forwarded-For in one line: %j', (raw, expected) => {
    expect(toPod(raw)['x-forwarded-for']).toEqual([expected]);
  });

  it('says scheme and host where no proxy before it did', () => {
    expect(toPod(['Host', 'a.example'], { isEncrypted: true })).toMatchObject({
      'x-forwarded-proto': ['https'],
      'x-forwarded-host': ['a.example'],
    });
    const behindAnother = toPod(['Host', 'inner', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'outer.example']);
    expect(behindAnother).toMatchObject({ 'x-forwarded-proto': ['https'], 'x-forwarded-host': ['outer.example'] });
  });

  it.each([
    ['berth.bearer.abc', undefined],
    ['berth.bearer.abc, chat', ['chat']],
    ['chat.v2 , berth.bearer.abc,chat.v1', ['chat.v2, chat.v1']],
    ['chat', ['chat']],
  ])('hides the token among the subprotocols %s', (offered, expected) => {
    expect(toPod(['Sec-WebSocket-Protocol', offered])['sec-websocket-protocol']).toEqual(expected);
  });
});

describe('the head of an answer on its way back', () => {
  it.each(['connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'proxy-connection'])(
    'loses %s',
    (name) => {
      expect(fromPod({ [name]: 'x', etag: '"1"' })).not.toHaveProperty(name);
      expect(fromPod({ [name]: 'x', etag: '"1"' })).toHaveProperty('etag');
    },
  );

  it('loses what the pod names in Connection', () => {
    expect(fromPod({ connection: 'x-hop, keep-alive', 'x-hop': '1' })).not.toHaveProperty('x-hop');
  });

  it('says what Berth knows of the session, whatever the pod says', () => {
    const headers = fromPod({ 'x-session-id': 'forged', 'x-session-anything': 'forged', 'x-request-id': 'forged' });
    expect(headers).toMatchObject({
      'x-session-id': ['s1'],
      'x-session-generation': ['3'],
      'x-session-restarts': ['1'],
      'x-session-start': ['cold'],
      'x-request-id': ['r1'],
    });
    expect(headers).not.toHaveProperty('x-session-anything');
  });

  it('puts its own timings before those of the pod', () => {
    expect(fromPod({})['server-timing']).toEqual(['hold;dur=12.3, pod;dur=5.1']);
    expect(fromPod({ 'server-timing': 'db;dur=3' })['server-timing']).toEqual(['hold;dur=12.3, pod;dur=5.1, db;dur=3']);
  });

  it('keeps every cookie apart', () => {
    expect(fromPod({ 'set-cookie': ['a=1', 'b=2'] })['set-cookie']).toEqual(['a=1', 'b=2']);
  });

  it('leaves CORS and Vary to the pod unless Berth answers for CORS itself', () => {
    const pod = { 'access-control-allow-origin': '*', vary: 'Accept' };
    expect(fromPod(pod)).toMatchObject({ 'access-control-allow-origin': ['*'], vary: ['Accept'] });
    const ours = fromPod(pod, 'Origin');
    expect(ours).not.toHaveProperty('access-control-allow-origin');
    expect(ours.vary).toEqual(['Origin, Accept']);
  });

  it('lets no pod speak for CORS where every origin is allowed, which needs no Vary', () => {
    const pod = { 'access-control-allow-origin': 'http://pod.example', 'access-control-allow-credentials': 'true' };
    const session = { id: 's1', generation: 1 };
    const ours = grouped(headersFromPod(rawOf(pod), { session, requestId: 'r1', podMs: 1, cors: {} }));
    expect(Object.keys(ours).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it('takes the names of sessions from trailers, too', () => {
    expect(trailersFromPod(['x-session-id', 'forged', 'x-sum', '42'])).toEqual([['x-sum', '42']]);
  });
});

it.each([
  [undefined, undefined],
  ['chat', undefined],
  ['berth.bearer.abc', 'berth.bearer.abc'],
  [' berth.bearer.abc ', 'berth.bearer.abc'],
  ['berth.bearer.abc, chat', undefined],
])('the only subprotocol of %j that carried a token is %j', (offered, expected) => {
  expect(onlyBearerSubprotocol(offered)).toBe(expected);
});
