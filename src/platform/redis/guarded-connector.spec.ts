import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

import { GuardedConnector } from './guarded-connector.js';

describe('the socket of a Redis connection', () => {
  it('may fail twice without ending the process', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const stream = await new GuardedConnector({ host: '127.0.0.1', port }).connect();
    stream.once('error', () => undefined);
    stream.emit('error', new Error('a certificate is refused'));
    expect(() => stream.emit('error', new Error('the other side complains'))).not.toThrow();
    stream.destroy();
    server.close();
    await once(server, 'close');
  });
});
