/** Frames of RFC 6455 section 5.2, legal or not, as they stand on the wire. */
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

export interface FrameParts {
  isFinal?: boolean;
  /** The three reserved bits, as a number. */
  reserved?: number;
  opcode?: number;
  isMasked?: boolean;
  /** How many bytes say the length: 0, 2 or 8; else as few as will do. */
  lengthBytes?: 0 | 2 | 8;
}

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export function rawFrame(payload: Buffer | string, parts: FrameParts = {}): Buffer {
  const { isFinal = true, reserved = 0, opcode = TEXT, isMasked = false } = parts;
  const plain = Buffer.from(payload);
  const lengthBytes = parts.lengthBytes ?? (plain.length > 0xffff ? 8 : plain.length > 125 ? 2 : 0);
  const extended = Buffer.alloc(lengthBytes);
  if (lengthBytes === 2) extended.writeUInt16BE(plain.length);
  if (lengthBytes === 8) extended.writeBigUInt64BE(BigInt(plain.length));
  const short = lengthBytes === 8 ? 127 : lengthBytes === 2 ? 126 : plain.length;
  const head = Buffer.from([(isFinal ? 0x80 : 0) | (reserved << 4) | opcode, (isMasked ? 0x80 : 0) | short]);
  if (!isMasked) return Buffer.concat([head, extended, plain]);
  return Buffer.concat([head, extended, MASK, plain.map((byte, at) => byte ^ MASK[at % MASK.length]!)]);
}

export function rawClose(code: number, reason: Buffer | string = '', parts: FrameParts = {}): Buffer {
  const codeBytes = Buffer.alloc(2);
  codeBytes.writeUInt16BE(code);
  return rawFrame(Buffer.concat([codeBytes, Buffer.from(reason)]), { opcode: CLOSE, ...parts });
}
