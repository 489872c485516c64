import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

import { EdgeWithPods, MiB, PROXY } from '../../../test/support/gateway/edge-with-pods.js';
import { ask, readText } from '../../../test/support/gateway/pod-server.js';
import { rawRequest } from '../../../test/support/raw-request.js';

const edge = new EdgeWithPods();
afterEach(() => edge.tearDown());

describe('with a body', () => {
  const lengths = [0, 1, 1_000, 64 * 1_024, 64 * 1_024 + 1, 3 * MiB];

  it.each(lengths)('passes %i bytes with their length', async (length) => {
    await edge.setUp();
    const pod = await edge.podWith((req, res) => void readText(req).then((text) => res.end(String(text.length))));
    const answer = await ask(edge.to('POST', { 'content-length': String(length) }), Buffer.alloc(length, 'x'));
    expect(answer.text).toBe(String(length));
    expect(pod.requests[0]!.headers).toMatchObject({ 'content-length': String(length) });
    expect(pod.requests[0]!.headers).not.toHaveProperty('transfer-encoding');
  });

  it('passes chunks as chunks', async () => {
    await edge.setUp();
    const pod = await edge.podWith((req, res) => void readText(req).then((text) => res.end(String(text.length))));
    const answer = await ask(edge.to('POST', { 'transfer-encoding': 'chunked' }), Buffer.alloc(2 * MiB));
    expect(answer.text).toBe(String(2 * MiB));
    expect(pod.requests[0]!.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
  });

  it('passes a body and an answer that wait for each other', async () => {
    await edge.setUp();
    await edge.podWith(
      (req, res) =>
        void req.on('data', (chunk: Buffer) => res.write(`<${chunk.toString()}>`)).on('end', () => res.end()),
    );
    const outgoing = request(edge.to('POST'));
    outgoing.write('one');
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(String((await once(response, 'data'))[0])).toBe('<one>');
    outgoing.end('two');
    expect(await readText(response)).toBe('<two>');
  });

  it('lets the client wait with its body until somebody wants it', async () => {
    await edge.setUp();
    await edge.podWith((req, res) => void readText(req).then((text) => res.end(text)));
    let isContinued = false;
    const outgoing = request({
      ...edge.to('POST', { expect: '100-continue', 'content-length': '4' }),
    });
    outgoing.on('continue', () => void ((isContinued = true), outgoing.end('body')));
    outgoing.flushHeaders();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect([await readText(response), isContinued]).toEqual(['body', true]);
  });

  it('refuses without asking for the body', async () => {
    await edge.setUp();
    const head = `POST ${PROXY} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n`;
    const answer = await rawRequest(edge.harness.url, head);
    expect(answer.text).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer.closed).toBe(true);
  });

  it('answers and goes on with the connection when a small body was not read', async () => {
    await edge.setUp();
    const one = `POST ${PROXY} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n`;
    const answer = await rawRequest(edge.harness.url, [one, '0123456789', one, 'GET / HTTP'], {
      until: /401 [\s\S]*401 [\s\S]*}$/,
    });
    expect(answer).toMatchObject({ closed: false });
    expect(answer.text.match(/HTTP\/1\.1 401/g)).toHaveLength(2);
  });

  it('answers and closes when the rest of the body is long, and the answer arrives whole', async () => {
    await edge.setUp();
    const head = `POST ${PROXY} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n`;
    const pieces = Array.from({ length: 100 }, () => Buffer.alloc(64 * 1_024));
    const answer = await rawRequest(edge.harness.url, [head, ...pieces]);
    expect(answer.closed).toBe(true);
    expect(answer.text).toMatch(/^HTTP\/1\.1 401 [\s\S]*Connection: close[\s\S]*UNAUTHENTICATED[\s\S]*}$/);
  });

  it('lets a pod answer before it has read everything', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => res.writeHead(413).end('enough'));
    const answer = await ask(edge.to('POST', { 'content-length': String(MiB / 2) }), Buffer.alloc(MiB / 2));
    expect([answer.status, answer.text]).toEqual([413, 'enough']);
  });
});
