import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';

import { eventually } from '../../../../test/support/eventually.js';
import { FakeClock } from '../../../../test/support/fake-clock.js';
import { SystemClock } from '../../../platform/clock.js';
import { dialPauseMs, untilReady } from './readiness.js';

describe('asking a pod whether it is ready', () => {
  const servers: { close(): void }[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function serve(statuses: number[], asked: string[] = []): Promise<{ port: number; server: Server }> {
    const server = createServer((request, response) => {
      asked.push(request.url!);
      response.writeHead(statuses.length > 1 ? statuses.shift()! : statuses[0]!).end('some words');
    });
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return { port: (server.address() as AddressInfo).port, server };
  }

  function ask(port: number, words: string[] = [], signal = new AbortController().signal): Promise<boolean> {
    return untilReady({ clock: new SystemClock(), port, healthPath: '/up?now', signal }, (said) => words.push(said));
  }

  it.each([200, 204, 302, 399])('takes %d for ready, at the first time', async (status) => {
    const asked: string[] = [];
    const { port } = await serve([status], asked);
    expect(await ask(port)).toBe(true);
    expect(asked).toEqual(['/up?now']);
  });

  it('asks on while the answer is another, and tells what it is', async () => {
    const words: string[] = [];
    const { port } = await serve([404, 500, 401, 400, 200]);
    expect(await ask(port, words)).toBe(true);
    expect(words).toEqual(['answered 404', 'answered 500', 'answered 401', 'answered 400']);
  });

  it('asks on while nobody listens', async () => {
    const { port, server } = await serve([200]);
    server.close();
    await once(server, 'close');
    const words: string[] = [];
    const asking = ask(port, words);
    await eventually(() => expect(words.length).toBeGreaterThan(2));
    expect(words[0]).toBe('was refused: nothing listens there');
    server.listen(port, '127.0.0.1');
    expect(await asking).toBe(true);
  });

  it('tells of a pod that speaks no HTTP, or hangs up', async () => {
    const answers: ((socket: Socket) => void)[] = [(socket) => socket.end('SSH-2.0\r\n'), (socket) => socket.destroy()];
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      (answers.shift() ?? ((last) => last.end('HTTP/1.1 200 OK\r\n\r\n')))(socket);
    });
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const words: string[] = [];
    expect(await ask((server.address() as AddressInfo).port, words)).toBe(true);
    expect(words).toHaveLength(2);
    expect(words[0]).toMatch(/no HTTP answer/);
  });

  it('stops, not ready, when the process has ended, even in the middle of a question', async () => {
    const open: Socket[] = [];
    const server = createTcpServer((socket) => open.push(socket.on('error', () => undefined)));
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const ended = new AbortController();
    const asking = ask((server.address() as AddressInfo).port, [], ended.signal);
    await eventually(() => expect(open).toHaveLength(1));
    ended.abort();
    expect(await asking).toBe(false);
    await once(open[0]!.resume(), 'close');
  });

  it('gives up a question that is not answered within five seconds, and asks again', async () => {
    const clock = new FakeClock();
    const open: Socket[] = [];
    const server = createTcpServer((socket) => {
      open.push(socket.on('error', () => undefined));
      if (open.length > 1) socket.end('HTTP/1.1 200 OK\r\n\r\n');
    });
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const words: string[] = [];
    const signal = new AbortController().signal;
    const asking = untilReady({ clock, port, healthPath: '/', signal }, (said) => words.push(said));
    await eventually(() => expect(open).toHaveLength(1));
    await clock.advance(4_999);
    expect(words).toEqual([]);
    await clock.advance(1);
    expect(words).toEqual(['gave no answer within 5 s']);
    await clock.advance(1_000);
    expect(await asking).toBe(true);
  });
});

describe('the pause between two questions', () => {
  it.each([
    [0, 15],
    [75, 15],
    [250, 50],
    [500, 100],
    [60_000, 100],
  ])('after %d ms is %d ms', (sinceMs, pauseMs) => {
    expect(dialPauseMs(sinceMs)).toBe(pauseMs);
  });
});
