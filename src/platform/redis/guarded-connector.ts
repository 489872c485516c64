import { createConnection, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';

type Options = Pick<RedisOptions, 'host' | 'port' | 'tls' | 'disconnectTimeout'>;

/**
 * ioredis listens to a socket for one error. TLS can bring two (a certificate that we refuse, then the other side's alert),
 * and an error that nobody listens to ends the process.
 */
export class GuardedConnector extends AbstractConnector {
  private readonly options: Options;

  /** As ioredis makes it. */
  constructor(options: unknown) {
    super((options as Options).disconnectTimeout ?? 0);
    this.options = options as Options;
  }

  connect(): Promise<Socket> {
    this.connecting = true;
    const { host, port, tls } = this.options;
    const where = { host: host ?? '127.0.0.1', port: port ?? 0 };
    const stream: Socket = tls ? connectTls({ ...where, ...tls }) : createConnection(where);
    stream.on('error', (error: Error) => {
      this.firstError ??= error;
    });
    this.stream = stream;
    return Promise.resolve(stream);
  }
}
