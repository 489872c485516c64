import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** Below the range from which the kernel serves outgoing connections: a port keeps free while its server is away. */
const LOWEST = 20_000;
const COUNT = 10_000;
const TRIES = 50;

/** For a server that cannot be told to choose a port itself. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * COUNT);
    try {
      return await tryPort(host, port);
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}

async function tryPort(host: string, port: number): Promise<number> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return bound;
}
