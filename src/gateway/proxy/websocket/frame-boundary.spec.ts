import fc from 'fast-check';

import { closeFrame, FrameBoundary } from './frame-boundary.js';

/** A frame as RFC 6455 section 5.2 draws it. */
function frame(opcode: number, length: number, { isFinal = true, isMasked = false } = {}): Buffer {
  const head = [(isFinal ? 0x80 : 0) | opcode];
  const mask = isMasked ? 0x80 : 0;
  const extended = Buffer.alloc(length > 0xffff ? 8 : length > 125 ? 2 : 0);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  if (extended.length === 2) extended.writeUInt16BE(length);
  head.push(mask | (extended.length === 8 ? 127 : extended.length === 2 ? 126 : length));
  return Buffer.concat([Buffer.from(head), extended, Buffer.alloc(isMasked ? 4 : 0), Buffer.alloc(length, 0x88)]);
}

describe('following frames', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])('finds the end of a frame of %i bytes', (length) => {
    const boundary = new FrameBoundary();
    const bytes = frame(2, length);
    boundary.follow(bytes.subarray(0, bytes.length - 1));
    expect(boundary.isBetweenFrames).toBe(bytes.length === 1);
    boundary.follow(bytes.subarray(bytes.length - 1));
    expect(boundary.isBetweenFrames).toBe(true);
  });

  it('knows every boundary however the bytes are cut', () => {
    const anyFrame = fc.record({
      opcode: fc.constantFrom(0, 1, 2, 9, 10),
      length: fc.oneof(fc.integer({ min: 0, max: 130 }), fc.integer({ min: 65_530, max: 65_540 })),
      isFinal: fc.boolean(),
      isMasked: fc.boolean(),
    });
    const property = fc.property(
      fc.array(anyFrame, { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 40 }),
      (frames, cuts) => {
        const parts = frames.map(({ opcode, length, ...how }) => frame(opcode, length, how));
        const ends = new Set<number>([0]);
        parts.reduce((at, part) => (ends.add(at + part.length), at + part.length), 0);
        const bytes = Buffer.concat(parts);
        const boundary = new FrameBoundary();
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const end = Math.min(bytes.length, at + cuts[cut % cuts.length]!);
          boundary.follow(bytes.subarray(at, end));
          at = end;
          if (boundary.isBetweenFrames !== ends.has(at)) return false;
        }
        return boundary.isBetweenFrames;
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  it('goes to the end of the open frame and no further', () => {
    const boundary = new FrameBoundary();
    const [first, second] = [frame(1, 300, { isFinal: false }), frame(0, 10)];
    boundary.follow(first.subarray(0, 3));
    expect(boundary.followToBoundary(Buffer.concat([first.subarray(3), second]))).toBe(first.length - 3);
    expect(boundary.isBetweenFrames).toBe(true);
  });

  it('takes nothing when no frame is open', () => {
    expect(new FrameBoundary().followToBoundary(frame(1, 4))).toBe(0);
  });

  it('notices a close frame, and is not deceived by a payload that looks like one', () => {
    const boundary = new FrameBoundary();
    boundary.follow(frame(2, 200));
    expect(boundary.isClosed).toBe(false);
    boundary.follow(closeFrame(1000, 'bye'));
    expect(boundary).toMatchObject({ isClosed: true, isBetweenFrames: true });
  });
});

it('writes a close frame', () => {
  expect(closeFrame(1012, 'go')).toEqual(Buffer.from([0x88, 4, 0x03, 0xf4, 0x67, 0x6f]));
});
