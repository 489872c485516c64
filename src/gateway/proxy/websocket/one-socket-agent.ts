import { Agent } from 'node:http';
import type { Socket } from 'node:net';

/** Gives a connection that was dialled already to a request that insists on an agent. */
export class OneSocketAgent extends Agent {
  constructor(private readonly socket: Socket) {
    super({ keepAlive: false });
  }

  override createConnection(): Socket {
    return this.socket;
  }
}
