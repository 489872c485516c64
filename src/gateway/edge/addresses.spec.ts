import { at, AUTH, fair, TwoSessions } from '../../../test/support/gateway/two-sessions.js';
import { lines, statuses } from '../../../test/support/raw-request.js';

const two = new TwoSessions();
beforeEach(() => two.setUp());
afterEach(() => two.tearDown());

const SESSION = '/api/v1/session';
/** What a request says, in the end, of the one that closes its connection. */
const CLOSE = 'Connection: close';

/** The target, the session named in a header, and what is seen by which pod; without one it is no pod's. */
const TARGETS: [string, string, ('a' | 'b')?, string?][] = [
  [at('a', '/x'), 'b', 'a', '/x'],
  [`http://b${at('a', '/x')}`, 'b', 'a', '/x'],
  [`HTTP://b:80${at('a')}?x=${at('b')}`, 'b', 'a', `/?x=${at('b')}`],
  [at('a', '/../../b/proxy/x'), 'b', 'a', '/../../b/proxy/x'],
  [at('a', '/..%2f..%2fb%2fproxy'), 'b', 'a', '/..%2f..%2fb%2fproxy'],
  [at('a', '//b/x'), 'b', 'a', '//b/x'],
  [at('a', '/%00;b\\..\\x'), 'b', 'a', '/%00;b\\..\\x'],
  [`${SESSION}/a/proxy?/../../b/proxy`, 'b', 'a', '/?/../../b/proxy'],
  [`${SESSION}/%61/proxy/x`, 'b', 'a', '/x'],
  [`/${at('b', '/x')}`, 'a', 'a', `/${at('b', '/x')}`],
  [`http://h/${at('b', '/x')}`, 'a', 'a', `/${at('b', '/x')}`],
  [`/.${at('b', '/x')}`, 'a', 'a', `/.${at('b', '/x')}`],
  [`/x/..${at('b')}`, 'a', 'a', `/x/..${at('b')}`],
  ['/API/V1/session/b/proxy/x', 'a', 'a', '/API/V1/session/b/proxy/x'],
  ['/api//v1/session/b/proxy/x', 'a', 'a', '/api//v1/session/b/proxy/x'],
  ['/%61pi/v1/session/b/proxy/x', 'a', 'a', '/%61pi/v1/session/b/proxy/x'],
  ['/api\\v1\\session\\b\\proxy\\x', 'a', 'a', '/api\\v1\\session\\b\\proxy\\x'],
  ['/api/v1;/session/b/proxy/x', 'a', 'a', '/api/v1;/session/b/proxy/x'],
  [`/http://h${at('b')}`, 'a', 'a', `/http://h${at('b')}`],
  [`/?${at('b')}`, 'a', 'a', `/?${at('b')}`],
  [`/${'x'.repeat(1_000)}`, 'a', 'a', `/${'x'.repeat(1_000)}`],
  [`${SESSION}/a/../b/proxy/x`, 'a'],
  [`${SESSION}//proxy/x`, 'a'],
  [`${SESSION}/./proxy/x`, 'a'],
  [`${SESSION}/a%2f..%2fb/proxy/x`, 'a'],
  [`${SESSION}/b%2fproxy/x`, 'a'],
  [`${SESSION}/%2562/proxy/x`, 'a'],
  [`${SESSION}/b%00/proxy/x`, 'a'],
  [`${SESSION}/b;c/proxy/x`, 'a'],
  [`${SESSION}/b,a/proxy/x`, 'a'],
  [`${SESSION}/b?/proxy/x`, 'a'],
  [`${SESSION}/b\\proxy\\x`, 'a'],
  [`${SESSION}/b/%70roxy/x`, 'a'],
  [`${SESSION}/b/proxy;x`, 'a'],
  [`${SESSION}/B/proxy/x`, 'a'],
  [`${SESSION}?x=/b/proxy/`, 'a'],
  ['/health/../x', 'a'],
  ['/docs/..', 'a'],
];

const CASES = TARGETS.map(([target, header, name, path]) => ({ target, header, name, path }));
it.each(CASES)(
  '$target with a header that names $header is for the pod of $name',
  async ({ target, header, name, path }) => {
    await two.send(fair('GET', target, `X-Session-ID: ${header}`, CLOSE));
    const seen = { a: [] as string[], b: [] as string[] };
    if (name) seen[name].push(`GET ${path}`);
    expect({ a: two.a.seen, b: two.b.seen }).toEqual(seen);
  },
);

const NAMES: [string[], 'a' | undefined][] = [
  [['X-Session-ID: a', 'X-User-ID: b'], 'a'],
  [['X-User-ID: b', 'x-session-id: \ta '], 'a'],
  [['X-User-ID: a', 'X_Session_ID: b', 'X.Session.ID: b'], 'a'],
  [['X-Session-ID: a', 'Connection: x-session-id'], 'a'],
  [['X-Session-ID: a', 'X-Session-ID: b'], undefined],
  [['X-Session-ID: a', 'X-Session-ID: a'], undefined],
  [['X-Session-ID: a,b'], undefined],
  [['X-Session-ID:', 'X-User-ID: a'], undefined],
  [['X-User-ID: a', 'X-User-ID: b'], undefined],
  [['X-Session-ID: %61'], undefined],
  [['X_Session_ID: a'], undefined],
  [['Cookie: X-Session-ID=a', 'Forwarded: for=a'], undefined],
];

it.each(NAMES)('a request with %j is for the pod of %s', async (fields, name) => {
  await two.send(fair('GET', '/x', ...fields, CLOSE));
  expect({ a: two.a.seen, b: two.b.seen }).toEqual({ a: name ? ['GET /x'] : [], b: [] });
});

it('the pod is told who and where by Berth only, however a client writes the names', async () => {
  const spellings = (name: string): string[] => [
    name,
    name.toUpperCase(),
    name.replaceAll('-', '_'),
    name.replaceAll('-', '.'),
  ];
  const names = [
    'x-session-id',
    'x-session-owner',
    'x-remote-user',
    'x-auth-user',
    'x-verified-email',
    'x-forwarded-user',
    'x-user-id',
  ];
  const forged = [...names, 'x-api-key', 'content-length']
    .flatMap(spellings)
    .filter((name) => !/^content-length$/i.test(name));
  const named = 'Connection: x-session-id, x-session-generation, host, authorization, content-length, x-forwarded-for';
  const fields = [named, 'Connection: transfer-encoding, close', ...forged.map((name) => `${name}: forged`)];
  const answer = await two.send(`${fair('POST', at('a'), 'Content-Length: 5', ...fields)}hello`);
  expect(statuses(answer)).toEqual([200]);
  expect(two.a.seen).toEqual(['POST / hello']);
  expect(two.a.heard[0]).not.toContain('forged');
  expect(two.a.requests[0]!.fields).toEqual(
    expect.arrayContaining([
      ['x-session-id', 'a'],
      ['x-session-generation', '1'],
      ['host', 'berth.example'],
      ['content-length', '5'],
    ]),
  );
});

it.each([0, 1])('a head of nearly 16 KiB comes to the pod whole, and one of more to none (%i)', async (more) => {
  const head = (pad: number): string =>
    lines(`GET ${at('a')} HTTP/1.1`, 'Host: h', AUTH, CLOSE, `X-Pad: ${'x'.repeat(pad)}`, '');
  const pad = more === 0 ? 15_500 : 16_500;
  expect(statuses(await two.send(head(pad)))).toEqual([more === 0 ? 200 : 400]);
  expect(two.a.requests.map(({ fields }) => fields.find(([name]) => name === 'x-pad')?.[1].length)).toEqual(
    more === 0 ? [pad] : [],
  );
});
