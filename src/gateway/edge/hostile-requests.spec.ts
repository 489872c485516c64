import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';

import { eventually } from '../../../test/support/eventually.js';
import { cutOff, EdgeWithPods, PROXY } from '../../../test/support/gateway/edge-with-pods.js';
import { WITH_TOKEN } from '../../../test/support/gateway/edge-harness.js';
import { readText } from '../../../test/support/gateway/pod-server.js';
import { lines, rawRequest, statuses } from '../../../test/support/raw-request.js';

const edge = new EdgeWithPods();
const TO_POD = `POST ${PROXY} HTTP/1.1`;
const AUTH = `Authorization: ${WITH_TOKEN.authorization}`;
/** What a smuggler hides in a body that one server ends earlier than the other. */
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\nX-Session-Id: b\r\n\r\n';
const seen: string[] = [];

beforeEach(async () => {
  seen.length = 0;
  await edge.setUp({}, { headersTimeoutMs: 200 });
  await edge.podWith((req, res) => {
    seen.push(`${req.method} ${req.url}`);
    void readText(req).then((text) => res.end(`<${text}>`));
  });
});
afterEach(() => edge.tearDown());

describe('a request that two servers could read differently', () => {
  it.each([
    ['both lengths', [TO_POD, 'Host: a', AUTH, 'Content-Length: 6', 'Transfer-Encoding: chunked', '', '0', '']],
    ['two lengths', [TO_POD, 'Host: a', AUTH, 'Content-Length: 0', `Content-Length: ${SMUGGLED.length}`, '']],
    ['two equal lengths', [TO_POD, 'Host: a', AUTH, 'Content-Length: 4', 'Content-Length: 4', '', 'abcd']],
    ['a list of lengths', [TO_POD, 'Host: a', AUTH, 'Content-Length: 4, 4', '', 'abcd']],
    ['a length with a sign', [TO_POD, 'Host: a', AUTH, 'Content-Length: +4', '', 'abcd']],
    ['a negative length', [TO_POD, 'Host: a', AUTH, 'Content-Length: -1', '']],
    ['a length in hex', [TO_POD, 'Host: a', AUTH, 'Content-Length: 0x4', '', 'abcd']],
    ['a coding beside chunked', [TO_POD, 'Host: a', AUTH, 'Transfer-Encoding: gzip, chunked', '', '0', '']],
    ['chunked twice', [TO_POD, 'Host: a', AUTH, 'Transfer-Encoding: chunked, chunked', '', '0', '']],
    [
      'two lines of codings',
      [TO_POD, 'Host: a', AUTH, 'Transfer-Encoding: chunked', 'Transfer-Encoding: x', '', '0', ''],
    ],
    ['an unknown coding', [TO_POD, 'Host: a', AUTH, 'Transfer-Encoding: xchunked', '', '0', '']],
    ['a coding behind a control character', [TO_POD, 'Host: a', AUTH, 'Transfer-Encoding: \x0bchunked', '', '0', '']],
    ['a space before the colon', [TO_POD, 'Host: a', AUTH, 'Transfer-Encoding : chunked', '', '0', '']],
    ['a folded header', [TO_POD, 'Host: a', AUTH, 'X-A: 1', ' folded', '']],
    ['a header without a name', [TO_POD, 'Host: a', AUTH, ': x', '']],
    ['a line without a colon', [TO_POD, 'Host: a', AUTH, 'nonsense', '']],
    ['a null in a value', [TO_POD, 'Host: a', AUTH, 'X-A: a\0b', '']],
    ['two hosts', [TO_POD, 'Host: a', 'Host: b', AUTH, '']],
    ['no host', [TO_POD, AUTH, '']],
    ['a chunk size that is none', [TO_POD, 'Host: a', AUTH, 'Transfer-Encoding: chunked', '', 'zz', 'x', '0', '']],
    ['a chunk longer than its size', [TO_POD, 'Host: a', AUTH, 'Transfer-Encoding: chunked', '', '1', 'abc', '0', '']],
    ['another protocol', ['GET / HTTP/3.0', 'Host: a', AUTH, '']],
    ['no protocol', ['GET /', '']],
    ['a bare carriage return', [`${TO_POD}\rX: y`, 'Host: a', '']],
    ['CONNECT', ['CONNECT example.org:443 HTTP/1.1', 'Host: example.org:443', '']],
  ])('is refused when it has %s', async (_name, head) => {
    const answer = await rawRequest(edge.harness.url, [lines(...head), SMUGGLED]);
    expect(answer.closed).toBe(true);
    expect(statuses(answer)).toEqual([400]);
    expect(answer.text).toContain('application/problem+json');
    expect(answer.text).toContain('"code":"INVALID_REQUEST"');
    expect(seen.filter((line) => line.includes('smuggled'))).toEqual([]);
  });

  it('is refused when its lines end with a bare line feed', async () => {
    const head = `${TO_POD}\nHost: a\n${AUTH}\nTransfer-Encoding: chunked\n\n0\n\n`;
    expect(statuses(await rawRequest(edge.harness.url, [head, SMUGGLED]))).toEqual([400]);
    expect(seen).toEqual([]);
  });
});

describe('a head that is too much', () => {
  it.each([
    ['one huge header', `X-Huge: ${'x'.repeat(20_000)}`],
    ['very many headers', Array.from({ length: 3_000 }, (_, n) => `X-${n}: 1`).join('\r\n')],
  ])('is refused: %s', async (_name, header) => {
    const answer = await rawRequest(edge.harness.url, lines(TO_POD, 'Host: a', AUTH, header, ''));
    expect(answer.closed).toBe(true);
    expect(answer.text).toMatch(/^HTTP\/1\.1 400 [\s\S]*too large/);
    expect(seen).toEqual([]);
  });

  it('is refused when it does not come to an end', async () => {
    const answer = await rawRequest(edge.harness.url, `${TO_POD}\r\nHost: a\r\nX-Slow: `);
    expect(answer.closed).toBe(true);
    expect(answer.text).toMatch(/^HTTP\/1\.1 400 [\s\S]*did not come in time/);
  });

  it('is written down without what it held', async () => {
    await rawRequest(edge.harness.url, lines(TO_POD, 'Host: a', AUTH, 'X-A: a\0b', ''));
    expect(edge.harness.logger.of('http.malformed')).toEqual([expect.objectContaining({ status: 400 })]);
    expect(edge.harness.logger.text).not.toContain(WITH_TOKEN.authorization);
  });
});

describe('a target in another form', () => {
  it('is taken as a whole URL, whose host then counts', async () => {
    const head = lines(`GET http://real.example${PROXY}x?y HTTP/1.1`, 'Host: other.example', AUTH, '');
    const answer = await rawRequest(edge.harness.url, head, { until: /<>/ });
    expect(statuses(answer)).toEqual([200]);
    expect(seen).toEqual(['GET /x?y']);
  });

  it.each([
    ['*', 'OPTIONS'],
    ['foo', 'GET'],
    ['foo:bar', 'GET'],
  ])('%s reaches no pod', async (target, method) => {
    await rawRequest(edge.harness.url, lines(`${method} ${target} HTTP/1.1`, 'Host: a', AUTH, ''), {
      until: /\r\n\r\n/,
    });
    expect(seen).toEqual([]);
  });
});

it('answers a body that turns out malformed, which the pod does not take for whole', async () => {
  const pod = await edge.podWith((req) => void req.on('error', () => undefined).resume());
  const socket = connect(edge.harness.port, '127.0.0.1');
  socket.write(lines(TO_POD, 'Host: a', AUTH, 'Transfer-Encoding: chunked', '', '4', 'good'));
  await eventually(() => expect(pod.requests).toHaveLength(1));
  const cut = cutOff(pod.requests[0]!);
  socket.write('zz\r\n');
  expect(await readText(socket)).toMatch(/^HTTP\/1\.1 400 [\s\S]*INVALID_REQUEST/);
  await cut;
  expect(pod.requests[0]!.complete).toBe(false);
});

it('keeps requests apart that come over one connection, whatever their bodies look like', async () => {
  const one = lines(TO_POD, 'Host: a', AUTH, `Content-Length: ${SMUGGLED.length}`, '') + SMUGGLED;
  const chunked = lines(
    TO_POD,
    'Host: a',
    AUTH,
    'Transfer-Encoding: chunked',
    '',
    SMUGGLED.length.toString(16),
    SMUGGLED,
    '0',
    '',
  );
  const answer = await rawRequest(edge.harness.url, one + chunked + one, { until: /(<GET[\s\S]*){3}>/ });
  expect(statuses(answer)).toEqual([200, 200, 200]);
  expect(seen).toEqual(['POST /', 'POST /', 'POST /']);
});

it('never writes the refusal of one request into the answer to another', async () => {
  const answers = new Map<string, ServerResponse>();
  await edge.podWith((req, res) => {
    answers.set(req.url ?? '', res);
    if (req.url === '/stream') res.write('begun');
  });
  const first = talker();
  first.say(`GET ${PROXY}held HTTP/1.1`, 'Host: a', AUTH, '');
  await eventually(() => expect([...answers.keys()]).toEqual(['/held']));
  const second = talker();
  second.say(`GET ${PROXY}stream HTTP/1.1`, 'Host: a', AUTH, '');
  await eventually(() => expect(second.heard()).toContain('begun'));
  answers.get('/held')!.end('done');
  await eventually(() => expect(first.heard()).toContain('done'));
  second.say(TO_POD, 'Host: a', AUTH, 'Transfer-Encoding: chunked', '', 'zz');
  answers.get('/stream')!.end('ended');
  await second.closed;
  expect(second.heard()).toMatch(/begun[^]*ended[^]*HTTP.1.1 400 [^]*}$/);
  first.client.destroy();
});

/** A connection on which one request follows another. */
function talker() {
  const client = connect(edge.harness.port, '127.0.0.1').on('error', () => undefined);
  let heard = '';
  client.on('data', (piece: Buffer) => (heard += piece.toString()));
  const say = (...head: string[]): void => void client.write(lines(...head));
  return { client, say, heard: () => heard, closed: once(client, 'close') };
}
