import type { Socket } from 'node:net';

import type { BodyReader, ForwardedBody } from '../request-body.js';

/** Whose request's body it is. */
export interface BodyOwner {
  readonly socket: Socket;
  bodySent(): void;
  bodyFailed(error: Error): void;
}

/** Passes a body on as it comes, at the pace at which the pod reads it. */
export class BodyWriter implements BodyReader {
  private leftBytes: number;

  constructor(
    private readonly owner: BodyOwner,
    private readonly body: ForwardedBody,
    /** Undefined: in chunks. */
    private readonly length: number | undefined,
  ) {
    this.leftBytes = length ?? Infinity;
  }

  begin(): void {
    this.owner.socket.on('drain', this.drained);
    this.body.begin(this);
  }

  take(piece: Buffer): void {
    this.leftBytes -= piece.length;
    // More than it said would be the next request to the pod.
    if (this.leftBytes < 0) return this.owner.bodyFailed(new Error('the body is longer than it said'));
    const { socket } = this.owner;
    if (this.length === undefined) writeChunk(socket, piece);
    else socket.write(piece);
    if (socket.writableNeedDrain) this.body.hold();
  }

  end(): void {
    this.stop();
    if (this.length === undefined) this.owner.socket.write('0\r\n\r\n', 'latin1');
    else if (this.leftBytes > 0) return this.owner.bodyFailed(new Error('the body is shorter than it said'));
    this.owner.bodySent();
  }

  cutOff(): void {
    this.stop();
    this.owner.bodyFailed(new Error('the body was cut off'));
  }

  stop(): void {
    this.owner.socket.off('drain', this.drained);
    this.body.letGo();
  }

  private readonly drained = (): void => this.body.goOn();
}

function writeChunk(socket: Socket, piece: Buffer): void {
  socket.cork();
  socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
  socket.write(piece);
  socket.write('\r\n', 'latin1');
  socket.uncork();
}
