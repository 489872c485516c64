import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { eventually } from '../../../../test/support/eventually.js';
import { Hearing, REQUEST } from '../../../../test/support/gateway/hearing.js';
import { RawPod } from '../../../../test/support/gateway/raw-pod.js';
import { PodWire } from './pod-wire.js';

const answer = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;

let pod: RawPod;
let socket: Socket;
let owner: { freed: number; closed: number };
afterEach(() => pod.stop());

async function wireTo(answering: ConstructorParameters<typeof RawPod>[0]): Promise<PodWire> {
  pod = await new RawPod(answering).start();
  socket = connect(Number(pod.address.split(':')[1]), '127.0.0.1');
  await once(socket, 'connect');
  const counts = (owner = { freed: 0, closed: 0 });
  return new PodWire(socket, { freed: () => void (counts.freed += 1), closed: () => void (counts.closed += 1) });
}

function ask(wire: PodWire): Hearing {
  const hearing = new Hearing();
  wire.send(hearing, REQUEST);
  return hearing;
}

describe('a connection to a pod', () => {
  it('serves the next request after an answer whose last piece was too much for its client', async () => {
    const wire = await wireTo((to, _asked, nth) => to.write(answer(`answer ${nth}`)));
    const first = ask(wire);
    first.onPieces = () => wire.pause();
    await eventually(() => expect(first.trailers).toEqual([]));
    const second = ask(wire);
    await eventually(() => expect(second).toMatchObject({ text: 'answer 1', trailers: [] }));
    expect(owner).toEqual({ freed: 2, closed: 0 });
  });

  it('tells the rest of an answer that was held once it may, even when the pod has gone meanwhile', async () => {
    const chunks = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n';
    const wire = await wireTo((to) => to.end(chunks));
    const hearing = ask(wire);
    hearing.onPieces = () => wire.pause();
    await eventually(() => expect(hearing.text).toBe('one'));
    await eventually(() => expect(socket.readableEnded || socket.destroyed).toBe(true));
    expect([hearing.trailers, hearing.failure]).toEqual([undefined, undefined]);
    hearing.onPieces = () => undefined;
    wire.resume();
    expect(hearing).toMatchObject({ text: 'onetwo', trailers: [] });
    await eventually(() => expect(owner).toEqual({ freed: 0, closed: 1 }));
  });

  it('says that an answer is not whole when the pod goes in the middle of it, and says so once', async () => {
    const wire = await wireTo((to) => to.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'));
    const hearing = ask(wire);
    await eventually(() => expect(hearing.failure).toBeDefined());
    expect([hearing.text, hearing.trailers]).toEqual(['half', undefined]);
    await eventually(() => expect(owner).toEqual({ freed: 0, closed: 1 }));
  });

  it('tells nothing more once it is aborted', async () => {
    const wire = await wireTo((to) => to.write(answer('whole') + answer('more')));
    const hearing = ask(wire);
    wire.abort(new Error('of no use'));
    expect(hearing.failure?.message).toBe('of no use');
    await eventually(() => expect(owner.closed).toBe(1));
    expect([hearing.status, hearing.text]).toEqual([undefined, '']);
  });

  it('ends when something comes that nobody asked for', async () => {
    const wire = await wireTo((to) => to.write(answer('own')));
    const hearing = ask(wire);
    await eventually(() => expect(hearing.trailers).toBeDefined());
    pod.sockets[0]!.write(answer('smuggled'));
    await eventually(() => expect(owner.closed).toBe(1));
    expect(wire.isUsable).toBe(false);
    expect(hearing.text).toBe('own');
  });
});
