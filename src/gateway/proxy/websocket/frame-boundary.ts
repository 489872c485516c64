/**
 * Follows the bytes of one direction of a WebSocket and knows where one frame ends and the next begins (RFC 6455
 * section 5.2), so that a control frame can be put between two frames, also between two fragments of one message
 * (section 5.4). It keeps at most a frame's head; payloads only pass by.
 */
export class FrameBoundary {
  private readonly head = Buffer.alloc(14);
  private headBytes = 0;
  private payloadLeft = 0;
  /** A close frame has passed: nothing may follow it. */
  isClosed = false;

  get isBetweenFrames(): boolean {
    return this.headBytes === 0 && this.payloadLeft === 0;
  }

  /** Follows all of the chunk. */
  follow(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at = this.step(chunk, at);
  }

  /** Follows to the end of the frame that is open when the chunk begins, and says how far that is. */
  followToBoundary(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length && !this.isBetweenFrames) at = this.step(chunk, at);
    return at;
  }

  private step(chunk: Buffer, at: number): number {
    if (this.payloadLeft > 0) {
      const taken = Math.min(this.payloadLeft, chunk.length - at);
      this.payloadLeft -= taken;
      return at + taken;
    }
    this.head[this.headBytes] = chunk[at]!;
    this.headBytes += 1;
    if (this.headBytes >= 2 && this.headBytes === this.headLength()) this.headRead();
    return at + 1;
  }

  private headLength(): number {
    const second = this.head[1]!;
    const length = second & 0x7f;
    const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
    return 2 + extended + ((second & 0x80) === 0 ? 0 : 4);
  }

  private headRead(): void {
    const length = this.head[1]! & 0x7f;
    if (length === 126) this.payloadLeft = this.head.readUInt16BE(2);
    else if (length === 127) this.payloadLeft = Number(this.head.readBigUInt64BE(2));
    else this.payloadLeft = length;
    if ((this.head[0]! & 0x0f) === CLOSE) this.isClosed = true;
    this.headBytes = 0;
  }
}

const CLOSE = 0x8;
const FINAL = 0x80;

/** An unmasked close frame, as servers send them. */
export function closeFrame(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return Buffer.concat([Buffer.from([FINAL | CLOSE, payload.length]), payload]);
}
