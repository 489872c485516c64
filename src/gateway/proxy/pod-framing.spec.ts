import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

import { eventually } from '../../../test/support/eventually.js';
import { WITH_TOKEN } from '../../../test/support/gateway/edge-harness.js';
import { EdgeWithPods, PROXY } from '../../../test/support/gateway/edge-with-pods.js';
import { ask, type Heard } from '../../../test/support/gateway/pod-server.js';
import { RawPod } from '../../../test/support/gateway/raw-pod.js';
import { lines, rawRequest } from '../../../test/support/raw-request.js';

/** What a pod hides behind an answer that one server ends earlier than the other. */
const SMUGGLED = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled';
const OWN = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown';

const edge = new EdgeWithPods();
let pod: RawPod | undefined;
beforeEach(() => edge.setUp());
afterEach(async () => {
  await pod?.stop();
  pod = undefined;
  await edge.tearDown();
});

/** What it says to the first request; to every other one its own answer. */
async function podSaying(first: string | readonly string[], end = false): Promise<RawPod> {
  const pieces = typeof first === 'string' ? [first] : first;
  pod = await new RawPod((socket, _asked, nth) => {
    if (nth > 0) return void socket.write(OWN, 'latin1');
    for (const piece of pieces) socket.write(piece, 'latin1');
    if (end) socket.end();
  }).start();
  edge.harness.sessions.place('a', pod.address);
  return pod;
}

function codeOf({ status, text }: Heard): [number, string] {
  return [status, (JSON.parse(text) as { code: string }).code];
}

describe('an answer in any legal framing', () => {
  const legal: [string, string, string][] = [
    ['a length', lines('HTTP/1.1 200 OK', 'Content-Length: 5', '') + 'whole', 'whole'],
    ['a length with spaces around', lines('HTTP/1.1 200 OK', 'Content-Length: \t 5 \t', '') + 'whole', 'whole'],
    ['an empty body', lines('HTTP/1.1 200 OK', 'Content-Length: 0', ''), ''],
    ['no reason', lines('HTTP/1.1 200 ', 'Content-Length: 5', '') + 'whole', 'whole'],
    ['chunks', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '3', 'who', '2', 'le', '0', ''), 'whole'],
    [
      'chunk extensions and sizes in capitals',
      lines('HTTP/1.1 200 OK', 'Transfer-Encoding: Chunked', '', '0A;a=b;c="d"', 'wholewhole', '000', ''),
      'wholewhole',
    ],
    ['no chunks', lines('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', '0', ''), ''],
    [
      'other answers before it',
      lines('HTTP/1.1 100 Continue', '', 'HTTP/1.1 102 Processing', '') +
        lines('HTTP/1.1 103 Early Hints', 'Link: </a>', '', 'HTTP/1.1 200 OK', 'Content-Length: 5', '') +
        'whole',
      'whole',
    ],
  ];

  it.each(legal)('is passed on with %s, and the connection used again', async (_name, said, text) => {
    const { sockets } = await podSaying(said);
    expect(await ask(edge.to())).toMatchObject({ status: 200, text });
    expect(await ask(edge.to())).toMatchObject({ status: 200, text: 'own' });
    expect(sockets).toHaveLength(1);
  });

  it.each(legal)('is passed on with %s when every byte comes by itself', async (_name, said, text) => {
    await podSaying('');
    const asked = ask(edge.to());
    await eventually(() => expect(pod!.sockets).toHaveLength(1));
    await eventually(() => expect(pod!.heard[0]).toContain('\r\n\r\n'));
    for (const byte of said) await new Promise((done) => void pod!.sockets[0]!.write(byte, 'latin1', done));
    expect(await asked).toMatchObject({ status: 200, text });
    expect(await ask(edge.to())).toMatchObject({ text: 'own' });
  });

  it.each([
    ['HTTP/1.1', 'Connection: close'],
    ['HTTP/1.1', 'X-Length: none'],
    ['HTTP/1.0', 'X-Length: none'],
  ])('is passed on when it ends with its connection (%s, %s)', async (version, field) => {
    const { sockets } = await podSaying(lines(`${version} 200 OK`, field, '') + 'to the end', true);
    expect(await ask(edge.to())).toMatchObject({ status: 200, text: 'to the end' });
    expect(await ask(edge.to())).toMatchObject({ text: 'own' });
    expect(sockets).toHaveLength(2);
  });

  it.each([
    ['Connection: close', 'HTTP/1.1'],
    ['Connection: x, Close', 'HTTP/1.1'],
    ['X-Kept: no', 'HTTP/1.0'],
  ])('is the last on its connection with %s over %s', async (field, version) => {
    const { sockets } = await podSaying(lines(`${version} 200 OK`, field, 'Content-Length: 5', '') + 'whole');
    expect(await ask(edge.to())).toMatchObject({ text: 'whole' });
    await eventually(() => expect(sockets[0]!.destroyed).toBe(true));
    expect(await ask(edge.to())).toMatchObject({ text: 'own' });
    expect(sockets).toHaveLength(2);
  });

  it.each([
    ['to HEAD', 'HEAD', '200 OK'],
    ['of 204', 'GET', '204 No Content'],
    ['of 304', 'GET', '304 Not Modified'],
  ])('has no body %s, whatever its head says', async (_name, method, status) => {
    await podSaying(lines(`HTTP/1.1 ${status}`, 'Content-Length: 100', ''));
    expect(await ask(edge.to(method))).toMatchObject({ status: Number(status.slice(0, 3)), text: '' });
    expect(await ask(edge.to())).toMatchObject({ text: 'own' });
  });

  it('is the last on its connection to HEAD, which some pods answer with a body', async () => {
    const { sockets } = await podSaying(lines('HTTP/1.1 200 OK', `Content-Length: ${SMUGGLED.length}`, ''));
    await ask(edge.to('HEAD'));
    sockets[0]!.write(SMUGGLED);
    expect(await ask(edge.to())).toMatchObject({ text: 'own' });
    expect(sockets).toHaveLength(2);
  });

  it('keeps what a trailer says, and every line of a header that stands twice', async () => {
    const head = ['HTTP/1.1 200 Fine', 'Set-Cookie: a=1', 'X-A: \xe4', 'Set-Cookie: b=2', 'X-A: 2'];
    await podSaying(lines(...head, 'Transfer-Encoding: chunked', '', '1', 'x', '0', 'X-Sum: 42', ''));
    const { headers, trailers, rawHeaders } = await ask(edge.to());
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(rawHeaders.filter((_, at) => rawHeaders[at - 1]?.toLowerCase() === 'x-a')).toEqual(['\xe4', '2']);
    expect(trailers).toEqual({ 'x-sum': '42' });
  });
});

describe('an answer that two clients could read differently', () => {
  const CHUNKED = 'Transfer-Encoding: chunked';
  const illegal: [string, string][] = [
    ['both lengths', lines('HTTP/1.1 200 OK', 'Content-Length: 5', CHUNKED, '', '0', '')],
    ['both lengths, the other way round', lines('HTTP/1.1 200 OK', CHUNKED, 'Content-Length: 5', '', '0', '')],
    ['two lengths', lines('HTTP/1.1 200 OK', 'Content-Length: 0', 'Content-Length: 5', '') + 'whole'],
    ['two equal lengths', lines('HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Length: 5', '') + 'whole'],
    ['a list of lengths', lines('HTTP/1.1 200 OK', 'Content-Length: 5, 5', '') + 'whole'],
    ['a length with a sign', lines('HTTP/1.1 200 OK', 'Content-Length: +5', '') + 'whole'],
    ['a negative length', lines('HTTP/1.1 200 OK', 'Content-Length: -5', '') + 'whole'],
    ['a length in hex', lines('HTTP/1.1 200 OK', 'Content-Length: 0x5', '') + 'whole'],
    ['an empty length', lines('HTTP/1.1 200 OK', 'Content-Length: ', '')],
    ['a length that no number holds', lines('HTTP/1.1 200 OK', `Content-Length: ${'9'.repeat(40)}`, '') + 'whole'],
    ['an unknown coding', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: xchunked', '', '0', '')],
    ['a coding beside chunked', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip, chunked', '', '0', '')],
    ['a coding after chunked', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked, gzip', '', '0', '')],
    ['chunked twice', lines('HTTP/1.1 200 OK', CHUNKED, CHUNKED, '', '0', '')],
    ['chunks over HTTP/1.0', lines('HTTP/1.0 200 OK', CHUNKED, '', '0', '')],
    ['a space before the colon', lines('HTTP/1.1 200 OK', 'Content-Length : 5', '') + 'whole'],
    ['a space before the name', lines('HTTP/1.1 200 OK', ' X-A: 1', 'Content-Length: 5', '') + 'whole'],
    ['a folded header', lines('HTTP/1.1 200 OK', 'X-A: 1', ' folded', 'Content-Length: 5', '') + 'whole'],
    ['a line without a colon', lines('HTTP/1.1 200 OK', 'nonsense', 'Content-Length: 5', '') + 'whole'],
    ['a header without a name', lines('HTTP/1.1 200 OK', ': x', 'Content-Length: 5', '') + 'whole'],
    ['a null in a value', lines('HTTP/1.1 200 OK', 'X-A: a\0b', 'Content-Length: 5', '') + 'whole'],
    ['a bare carriage return in a value', lines('HTTP/1.1 200 OK', 'X-A: a\rb', 'Content-Length: 5', '') + 'whole'],
    ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 5\n\nwhole'],
    ['a bare line feed in its head', 'HTTP/1.1 200 OK\r\nX-A: 1\nContent-Length: 5\r\n\r\nwhole'],
    ['another protocol', lines('HTTP/2.0 200 OK', 'Content-Length: 5', '') + 'whole'],
    ['no protocol', lines('ICY 200 OK', 'Content-Length: 5', '') + 'whole'],
    ['a status of two digits', lines('HTTP/1.1 99 Low', 'Content-Length: 5', '') + 'whole'],
    ['a status of four digits', lines('HTTP/1.1 2000 OK', 'Content-Length: 5', '') + 'whole'],
    ['nothing between version and status', lines('HTTP/1.1200 OK', 'Content-Length: 5', '') + 'whole'],
    ['nothing between status and reason', lines('HTTP/1.1 200OK', 'Content-Length: 5', '') + 'whole'],
    ['another protocol that nobody asked for', lines('HTTP/1.1 101 Switching Protocols', 'Upgrade: x', '')],
    ['a head without an end', lines('HTTP/1.1 200 OK', `X-A: ${'x'.repeat(100_000)}`)],
  ];

  it.each(illegal)('is refused when it has %s, and nothing behind it is believed', async (_name, said) => {
    const { sockets } = await podSaying([said, SMUGGLED]);
    expect(codeOf(await ask(edge.to()))).toEqual([502, 'POD_LOST']);
    expect(await ask(edge.to())).toMatchObject({ text: 'own' });
    await eventually(() => expect(sockets[0]!.destroyed).toBe(true));
  });

  const head = lines('HTTP/1.1 200 OK', CHUNKED, '');
  it.each([
    ['a size that is none', lines('zz', 'x', '0', '')],
    ['a negative size', lines('-1', 'x', '0', '')],
    ['a size in the manner of C', lines('0x1', 'x', '0', '')],
    ['no size', lines('', 'x', '0', '')],
    ['a space before the size', lines(' 1', 'x', '0', '')],
    ['a size that no number holds', lines('fffffffffffffffff', 'x', '0', '')],
    ['more bytes than its size', lines('1', 'xyz', '0', '')],
    ['a bare line feed after its size', '1\nx\r\n0\r\n\r\n'],
    ['a bare line feed after its bytes', '1\r\nx\n0\r\n\r\n'],
    ['a bare line feed in its extension', '1;a\nb\r\nx\r\n0\r\n\r\n'],
    ['an extension without an end', `1;${'a'.repeat(100_000)}\r\nx\r\n0\r\n\r\n`],
    ['a trailer without a colon', lines('1', 'x', '0', 'nonsense', '')],
    ['trailers without an end', lines('0', ...Array.from({ length: 5_000 }, (_, n) => `X-${n}: ${'x'.repeat(20)}`))],
  ])('is broken off when a chunk has %s', async (_name, chunks) => {
    await podSaying([head, chunks, SMUGGLED]);
    await expect(ask(edge.to())).rejects.toThrow(/aborted|hang up/);
    expect(await ask(edge.to())).toMatchObject({ text: 'own' });
  });
});

describe('a request to a pod', () => {
  it('has a Host even when an HTTP/1.0 client gave none', async () => {
    const { heard, address } = await podSaying(OWN);
    const head = lines(`GET ${PROXY} HTTP/1.0`, `Authorization: ${WITH_TOKEN.authorization}`, '');
    await rawRequest(edge.harness.url, head);
    expect(heard[0]).toMatch(new RegExp(`^GET / HTTP/1.1\r\n[^]*\r\nhost: ${address}\r\n`));
  });

  it.each(['POST', 'PUT', 'PATCH'])('says that it has no body when it is a %s without one', async (method) => {
    const { heard } = await podSaying(OWN);
    await rawRequest(
      edge.harness.url,
      lines(
        `${method} ${PROXY} HTTP/1.1`,
        'Host: a',
        'Connection: close',
        `Authorization: ${WITH_TOKEN.authorization}`,
        '',
      ),
    );
    expect(heard[0]).toContain('\r\ncontent-length: 0\r\n');
  });

  it('leaves what is in its path as it is', async () => {
    const { heard } = await podSaying(OWN);
    const path = '//a/../%2e%2e/..%2f;x=%00/%?q=//%0d%0aX:1&%';
    await rawRequest(
      edge.harness.url,
      lines(
        `GET ${PROXY}${path} HTTP/1.1`,
        'Host: a',
        'Connection: close',
        `Authorization: ${WITH_TOKEN.authorization}`,
        '',
      ),
    );
    expect(heard[0]!.split('\r\n', 1)[0]).toBe(`GET /${path} HTTP/1.1`);
  });
});

describe('bytes that belong to no answer', () => {
  it.each([
    ['a length', lines('HTTP/1.1 200 OK', 'Content-Length: 5', '') + 'whole'],
    ['chunks', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '5', 'whole', '0', '')],
  ])('after one with %s are never taken for the next', async (_name, said) => {
    const { sockets } = await podSaying(said + SMUGGLED);
    await ask(edge.to()).catch(() => undefined);
    expect(await ask(edge.to())).toMatchObject({ text: 'own' });
    await eventually(() => expect(sockets[0]!.destroyed).toBe(true));
  });

  it('on a kept connection end it', async () => {
    const { sockets } = await podSaying(OWN);
    await ask(edge.to());
    sockets[0]!.write(SMUGGLED);
    await eventually(() => expect(sockets[0]!.destroyed).toBe(true));
    expect(await ask(edge.to())).toMatchObject({ text: 'own' });
  });
});

describe('an answer that comes before the request was read', () => {
  it('is passed on, and the connection with half a request on it is not used again', async () => {
    const { sockets } = await podSaying(lines('HTTP/1.1 413 Too Much', 'Content-Length: 2', '') + 'no');
    const outgoing = request({ ...edge.to('POST', { 'content-length': '1000000' }), agent: false });
    outgoing.on('error', () => undefined).write('some');
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    expect(await ask(edge.to())).toMatchObject({ text: 'own' });
    expect(sockets).toHaveLength(2);
    outgoing.destroy();
  });
});
