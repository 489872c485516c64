import { connect } from 'node:net';

import { eventually } from '../../../test/support/eventually.js';
import { WITH_TOKEN } from '../../../test/support/gateway/edge-harness.js';
import { EdgeWithPods, MiB, nobody, PROXY } from '../../../test/support/gateway/edge-with-pods.js';
import { ask, open, readText } from '../../../test/support/gateway/pod-server.js';
import { rawRequest } from '../../../test/support/raw-request.js';

const edge = new EdgeWithPods();
afterEach(() => edge.tearDown());

describe('when the pod cannot be reached', () => {
  const bodies = [
    ['nothing', undefined],
    ['a small body', 'small'],
    ['a large body', 'x'.repeat(3 * MiB)],
  ] as const;

  it.each(bodies)('asks for the session anew and sends %s there, whole', async (_name, body) => {
    await edge.setUp({ PROXY_CONNECT_TIMEOUT_SECONDS: 0.05 });
    const pod = await edge.podWith((req, res) => void readText(req).then((text) => res.end(String(text.length))), 2);
    edge.harness.sessions.place('a', await nobody(), 1);
    edge.harness.sessions.gate = ({ after }) => {
      if (after) edge.harness.sessions.place('a', pod.address, 2);
    };
    const answer = await ask(edge.to(body === undefined ? 'GET' : 'POST'), body);
    expect([answer.status, answer.text]).toEqual([200, String(body?.length ?? 0)]);
    expect(answer.headers['x-session-generation']).toBe('2');
    expect(edge.harness.sessions.asked.map(({ after }) => after?.entered)).toEqual([undefined, 1]);
  });

  it('goes on dialling until the pod listens', async () => {
    await edge.setUp({ PROXY_CONNECT_TIMEOUT_SECONDS: 5 });
    const address = await nobody();
    edge.harness.sessions.place('a', address);
    const asked = ask(edge.to('POST'), 'body');
    await eventually(() => expect(edge.harness.sessions.admitted).toBe(1));
    await edge.pod((req, res) => void readText(req).then((text) => res.end(text)), Number(address.split(':')[1]));
    expect((await asked).text).toBe('body');
    expect(edge.harness.sessions.asked).toHaveLength(1);
  });

  it('gives up with POD_UNREACHABLE, and says that nothing was sent', async () => {
    await edge.setUp({ PROXY_CONNECT_TIMEOUT_SECONDS: 0.02 });
    edge.harness.sessions.place('a', await nobody());
    const answer = await ask(edge.to('POST'), 'body');
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'POD_UNREACHABLE',
      detail: expect.stringContaining('nothing was sent'),
    });
    expect(edge.harness.sessions.asked).toHaveLength(3);
    await edge.released();
  });

  it('stops dialling a pod that is gone', async () => {
    await edge.setUp({ PROXY_CONNECT_TIMEOUT_SECONDS: 60 });
    const gone = await nobody();
    const pod = await edge.podWith((_req, res) => res.end('here'));
    edge.harness.sessions.place('a', gone);
    const asked = ask(edge.to());
    await eventually(() => expect(edge.harness.sessions.admitted).toBe(1));
    edge.harness.sessions.place('a', pod.address, 2);
    edge.harness.sessions.podGone(gone);
    expect((await asked).text).toBe('here');
  });
});

describe('over kept connections', () => {
  it('uses a connection to a pod again, and closes it when the pod goes', async () => {
    await edge.setUp();
    const pod = await edge.podWith((_req, res) => res.end('x'));
    for (let times = 0; times < 5; times++) await ask(edge.to());
    expect(pod.sockets.size).toBe(1);
    edge.harness.sessions.podGone(pod.address);
    await eventually(() => expect(pod.sockets.size).toBe(0));
  });

  it('lets what is open to a pod that goes finish within the drain time, and cuts it then', async () => {
    await edge.setUp({ SHUTDOWN_DRAIN_SECONDS: 0.3 });
    let finish: (() => void) | undefined;
    const pod = await edge.podWith((_req, res) => {
      res.write('begin');
      finish = () => res.end('end');
    });
    const first = await open(edge.to());
    edge.harness.sessions.podGone(pod.address);
    finish!();
    expect(await readText(first)).toBe('beginend');
    const second = await open(edge.to());
    edge.harness.sessions.podGone(pod.address);
    await expect(readText(second)).rejects.toThrow();
  });

  it('serves pipelined requests in order', async () => {
    await edge.setUp();
    await edge.podWith((req, res) => void setTimeout(() => res.end(req.url), req.url === '/1' ? 30 : 0));
    const line = (n: number) =>
      `GET ${PROXY}${n} HTTP/1.1\r\nHost: a\r\nAuthorization: ${WITH_TOKEN.authorization}\r\n\r\n`;
    const answer = await rawRequest(edge.harness.url, line(1) + line(2) + line(3), { until: /\/3$/ });
    expect(answer.text.match(/\/[123](?=HTTP|$)/g)).toEqual(['/1', '/2', '/3']);
  });

  it('lets go of pipelined requests whose client leaves before their turn', async () => {
    await edge.setUp();
    await edge.podWith(() => undefined);
    const one = `GET ${PROXY} HTTP/1.1\r\nHost: a\r\nAuthorization: ${WITH_TOKEN.authorization}\r\n\r\n`;
    const socket = connect(edge.harness.port, '127.0.0.1').on('error', () => undefined);
    socket.write(one + one + one);
    await eventually(() => expect(edge.harness.sessions.admitted).toBe(1));
    socket.destroy();
    await edge.released();
    expect(edge.harness.sessions.asked).toHaveLength(1);
  });
});
