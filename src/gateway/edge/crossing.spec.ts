import { eventually } from '../../../test/support/eventually.js';
import { at, AUTH, fair, TwoSessions } from '../../../test/support/gateway/two-sessions.js';
import { lines, statuses } from '../../../test/support/raw-request.js';

/** Behind each request comes another that nobody may refuse: served, it shows that the first was read to its end. */
const NEXT = fair('GET', at('b', '/next'));
const NEXT_ANSWERED = /<b GET \/next HTTP\/1\.1 >$/;
const TO_A = `POST ${at('a')} HTTP/1.1`;
const HOST = 'Host: berth.example';

const two = new TwoSessions();
beforeEach(() => two.setUp({}, { headersTimeoutMs: 10_000 }));
afterEach(() => two.tearDown());

const posted = (...rest: string[]): string => lines(TO_A, HOST, AUTH, ...rest);
const coded = (coding: string): string => posted(`Transfer-Encoding: ${coding}`, '', '5', 'hello', '0', '');
const chunked = (...chunks: string[]): string => posted('Transfer-Encoding: chunked', '', ...chunks);
const sized = (length: string): string => `${posted(`Content-Length: ${length}`, '')}hello`;
const hosted = (host: string): string => lines(`GET ${at('a')} HTTP/1.1`, `Host: ${host}`, AUTH, '');
const targeted = (target: string): string => fair('GET', target, 'X-Session-ID: a');

/** What closes its connection, and takes what came behind it along. */
const REFUSED: [string, string][] = [
  ...['gzip, chunked', 'identity, chunked', ',chunked', 'chunked,', 'identity', 'chunked, identity', '"chunked"'].map(
    named('the coding', coded),
  ),
  ...['chunked;a=b', 'chunked\x0b', '\x0cchunked', 'chunked\0', '\xa0chunked', 'chunked \t', ''].map(
    named('the coding', coded),
  ),
  ['a coding in a folded line', posted('Transfer-Encoding:', ' chunked', '', '5', 'hello', '0', '')],
  ['a coding over HTTP/1.0', coded('chunked').replace('HTTP/1.1', 'HTTP/1.0').replace(HOST, 'Connection: keep-alive')],
  ...['', '5,', '5 5', '5.0', '5e0', '18446744073709551621', '5\xa0', '\x0b5'].map(named('the length', sized)),
  ['a tab behind the name of a length', posted('Content-Length\t: 5', '') + 'hello'],
  ...['+5', '-5', '0x5', ' 5', '5 ', '"5"', '10000000000000005', ''].map(
    named('the chunk size', (size) => chunked(size, 'hello', '0', '')),
  ),
  ['a line feed behind a chunk size', chunked('5\nhello', '0', '')],
  ['a line feed behind a chunk', chunked('5', 'hello\n0', '')],
  ['a carriage return behind a chunk', chunked('5', 'hello\r0', '')],
  ['a line feed in a chunk extension', chunked('5;a\nb', 'hello', '0', '')],
  ['a quoted line feed in a chunk extension', chunked('5;a="\n"', 'hello', '0', '')],
  ['a carriage return in a chunk extension', chunked('5;a\rb', 'hello', '0', '')],
  ['a chunk extension without an end', chunked(`5;${'a'.repeat(20_000)}`, 'hello', '0', '')],
  ['a line feed at the end of chunks', `${chunked('5', 'hello', '0')}\n`],
  ['a trailer that names a length', chunked('5', 'hello', '0', 'Content-Length: 50', '')],
  ['a trailer without a colon', chunked('5', 'hello', '0', 'nonsense', '')],
  ['a trailer that ends with a line feed', `${chunked('5', 'hello', '0')}X: 1\n\r\n`],
  ['a trailer without an end', chunked('5', 'hello', '0', `X: ${'x'.repeat(20_000)}`, '')],
  ...['X A', 'X\0A', 'X(A)', 'X\xe4', ''].map(named('the name', (name) => posted(`${name}: 1`, ''))),
  ['a space before the first field', lines(TO_A, ` ${HOST}`, AUTH, '')],
  ['a carriage return in a value', posted('X: a\rTransfer-Encoding: chunked', '')],
  ['a line feed in a value', posted('X: a\nTransfer-Encoding: chunked', '')],
  ['carriage returns for ends of lines', posted('').replaceAll('\r\n', '\r')],
  ['two hosts', posted('Host: other.example', '')],
  ['no host', lines(TO_A, AUTH, '')],
  ...[
    'a, b',
    'a,b',
    'a/b',
    'u:p@b',
    'a@b',
    'a:x',
    'a:1:2',
    '[::1',
    '::1',
    'a b',
    'a?b',
    'a#b',
    'a\\b',
    '\xe4',
    '"a"',
    '<a>',
    'http://a/',
  ].map(named('the host', hosted)),
  ...[
    'ftp://h/x',
    'ws://h/x',
    '*',
    '/x#y',
    '/x?y#/api/v1',
    `${at('b')}#`,
    'http:///x',
    'http://u:p@h/x',
    'http://h:x/x',
    'http://a,b/x',
    'h:80',
    'foo',
    '?x',
    '#x',
  ].map(named('the target', targeted)),
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ...['HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1'].map(
    named('the protocol', (protocol) => fair('GET', at('a')).replace('HTTP/1.1', protocol)),
  ),
  ...['get', 'GETX', 'FOO', 'X'.repeat(5_000)].map(named('the method', (method) => fair(method, at('a')))),
  ['a WebSocket with a body', `${upgrade(at('a'), 'Content-Length: 5')}hello`],
];

it.each(REFUSED)('nothing is served behind a request that is refused because of %s', async (_name, bytes) => {
  const answer = await two.send(`${bytes}${fair('POST', at('b'), 'Content-Length: 1')}x${NEXT}`);
  expect([statuses(answer), answer.closed]).toEqual([[400], true]);
  expect(two.entered).not.toContain('b');
  expect([two.a.seen, two.b.seen]).toEqual([[], []]);
});

/** Odd and legal: what the pod of `a` sees of it. */
const SERVED: [string, string, string[]][] = [
  ['a coding in capitals behind a tab', coded('\tcHuNkEd'), ['POST / hello']],
  ['a length between blanks', sized('\t 5 \t'), ['POST / hello']],
  ['a length with zeros before it', sized('005'), ['POST / hello']],
  ['a chunk size with zeros before it', chunked(`${'0'.repeat(40)}5`, 'hello', '0', ''), ['POST / hello']],
  ['chunk extensions', chunked('5;a=b;c="d"', 'hello', '0;e', ''), ['POST / hello']],
  ['trailers', chunked('5', 'hello', '0', 'X-Session-Id: b', 'Authorization: x', ''), ['POST / hello']],
  ['empty lines before it', `\r\n\r\n${sized('5')}`, ['POST / hello']],
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'SOURCE', 'QUERY'].map((method): [string, string, string[]] => [
    `a body with ${method}`,
    `${fair(method, at('a', '/x'), 'Content-Length: 5')}hello`,
    [`${method} /x hello`],
  ]),
  [
    'chunks with GET',
    fair('GET', at('a')).slice(0, -2) + lines('Transfer-Encoding: chunked', '', '5', 'hello', '0', ''),
    ['GET / hello'],
  ],
  [
    'an expectation that is none',
    `${fair('POST', at('a'), 'Expect: 200-ok', 'Content-Length: 5')}hello`,
    ['POST / hello'],
  ],
  ...['', 'a:', 'a:80', '[::1]', '[::1]:80', '%61', 'a_b.example'].map((host): [string, string, string[]] => [
    `the host ${host}`,
    hosted(host),
    ['GET /'],
  ]),
  ['a whole URL', targeted('HTTPS://h:80?x'), ['GET /?x']],
  ['a thousand fields', fair('GET', at('a'), ...Array.from({ length: 1_000 }, () => 'X: 1')), ['GET /']],
];

it.each(SERVED)('what follows is read as a request when one has %s', async (_name, bytes, seen) => {
  const answer = await two.send(bytes + NEXT, { until: NEXT_ANSWERED });
  expect(statuses(answer)).toEqual([200, 200]);
  expect([two.a.seen, two.b.seen]).toEqual([seen, ['GET /next']]);
  expect([...two.a.faults, ...two.b.faults]).toEqual([]);
});

it('a length behind a thousand fields comes to the pod with its body', async () => {
  const many = Array.from({ length: 1_000 }, () => 'a:');
  const bytes = `${lines(TO_A, HOST, AUTH, ...many, 'Content-Length: 5', '')}hello`;
  await two.send(bytes + NEXT, { until: NEXT_ANSWERED });
  expect([two.a.seen, two.b.seen]).toEqual([['POST / hello'], ['GET /next']]);
});

it('what was read behind an upgrade that is not taken up is never taken for a request', async () => {
  const h2c = fair('GET', at('a'), 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk');
  const head = fair('POST', at('a'), `Content-Length: ${NEXT.length}`);
  const hold = holding('a');
  const asked = two.send([h2c + head, NEXT]);
  await eventually(() => expect(two.a.requests).toHaveLength(1));
  hold.open();
  const answer = await asked;
  expect([statuses(answer), answer.closed]).toEqual([[200], true]);
  expect([two.a.seen, two.b.seen]).toEqual([['GET /'], []]);
});

it('a request that was refused before its body was asked for is the last on its connection', async () => {
  const head = fair('POST', at('nobody'), 'Expect: 100-continue', `Content-Length: ${NEXT.length}`);
  const answer = await two.send([head, NEXT]);
  expect([statuses(answer), answer.closed]).toEqual([[404], true]);
  expect(two.entered).toEqual(['nobody']);
});

function named(what: string, request: (value: string) => string): (value: string) => [string, string] {
  return (value) => [`${what} ${JSON.stringify(value.slice(0, 20))}`, request(value)];
}

function upgrade(path: string, ...rest: string[]): string {
  return fair(
    'GET',
    path,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: a',
    ...rest,
  );
}

/** Holds the answers of a pod. */
function holding(name: 'a' | 'b') {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  two[name].gate = () => opened;
  return { open };
}
