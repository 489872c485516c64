import fc from 'fast-check';

import { EdgeWithPods } from '../../../../test/support/gateway/edge-with-pods.js';
import {
  BINARY,
  CLOSE,
  type FrameParts,
  PING,
  PONG,
  rawClose,
  rawFrame,
  TEXT,
} from '../../../../test/support/gateway/raw-frames.js';
import {
  bytesIn,
  type Ends,
  expectSame,
  type RawEnd,
  RawWebSockets,
} from '../../../../test/support/gateway/raw-websocket.js';
import { eventually } from '../../../../test/support/eventually.js';

/** What the cases of the Autobahn test suite put on the wire, compared byte by byte at the other end. */

const edge = new EdgeWithPods();
const webSockets = new RawWebSockets(edge);
beforeEach(() => edge.setUp());
afterEach(async () => {
  webSockets.close();
  await edge.tearDown();
});

type Making = (parts: FrameParts) => Buffer[];

const many = (count: number, make: (nth: number) => Buffer): Buffer[] =>
  Array.from({ length: count }, (_, n) => make(n));
const NOT_UTF8 = Buffer.from([0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xed, 0xa0, 0x80, 0x65, 0xf4, 0x90, 0x80, 0x80, 0xff]);
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 1_024 * 1_024];
const LEGAL_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const ILLEGAL_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

function fragmented(parts: FrameParts, between: Buffer[]): Buffer[] {
  const first = rawFrame('frag', { ...parts, isFinal: false });
  const middle = rawFrame('', { ...parts, isFinal: false, opcode: 0 });
  return [first, ...between, middle, ...between, rawFrame('ments', { ...parts, opcode: 0 })];
}

const CASES: [string, Making][] = [
  ['text of every length', (p) => LENGTHS.map((length) => rawFrame(Buffer.alloc(length, '*'), p))],
  [
    'bytes of every length',
    (p) => LENGTHS.map((length) => rawFrame(Buffer.alloc(length, 0xfe), { ...p, opcode: BINARY })),
  ],
  [
    'lengths written longer than they need be',
    (p) => [rawFrame('a', { ...p, lengthBytes: 2 }), rawFrame('b', { ...p, lengthBytes: 8 })],
  ],
  [
    'pings and unasked pongs of 0 and 125 bytes',
    (p) =>
      [PING, PONG].flatMap((opcode) =>
        [0, 125].map((length) => rawFrame(Buffer.alloc(length, 0xfe), { ...p, opcode })),
      ),
  ],
  [
    'control frames that are too long, or in parts',
    (p) => [rawFrame(Buffer.alloc(126), { ...p, opcode: PING }), rawFrame('', { ...p, opcode: PING, isFinal: false })],
  ],
  ['fragments', (p) => fragmented(p, [])],
  [
    'fragments with pings and pongs between them',
    (p) => fragmented(p, [rawFrame('?', { ...p, opcode: PING }), rawFrame('!', { ...p, opcode: PONG })]),
  ],
  [
    'a continuation of nothing, and a message within a message',
    (p) => [rawFrame('x', { ...p, opcode: 0 }), rawFrame('a', { ...p, isFinal: false }), rawFrame('b', p)],
  ],
  ['every reserved bit', (p) => many(8, (reserved) => rawFrame('reserved', { ...p, reserved }))],
  ['every opcode', (p) => many(16, (opcode) => rawFrame('opcode', { ...p, opcode })).filter((_, n) => n !== CLOSE)],
  [
    'text that is no UTF-8, whole and cut within a character',
    (p) => [
      rawFrame(NOT_UTF8, p),
      ...many(NOT_UTF8.length, (n) =>
        rawFrame(NOT_UTF8.subarray(n, n + 1), { ...p, opcode: n === 0 ? TEXT : 0, isFinal: false }),
      ),
    ],
  ],
  ['a thousand frames at once', (p) => [Buffer.concat(many(1_000, (n) => rawFrame(`message ${n}`, p)))]],
  [
    'a close with every legal code, and whatever is said after it',
    (p) => LEGAL_CODES.flatMap((code) => [rawClose(code, 'bye', p), rawFrame('after', p)]),
  ],
  ['a close with every illegal code', (p) => ILLEGAL_CODES.map((code) => rawClose(code, '', p))],
  [
    'a close that says nothing, half a code, or too much',
    (p) => [0, 1, 125, 126].map((length) => rawFrame(Buffer.alloc(length, 3), { ...p, opcode: CLOSE })),
  ],
  ['a close whose reason is no UTF-8', (p) => [rawClose(1000, NOT_UTF8, p)]],
  ['a close between two fragments', (p) => fragmented(p, [rawClose(1000, '', p)])],
  [
    'a frame whose length has its highest bit set, and no end',
    () => [Buffer.from([0x82, 0x7f, 0xff, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3])],
  ],
  ['what is no WebSocket at all', () => [Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), Buffer.alloc(1_000, 0xff)]],
];

/** Both ends have heard exactly what the other one has sent, and nothing else until both are done. */
async function expectPassed({ client, pod }: Ends, fromClient: Buffer[], fromPod: Buffer[]): Promise<void> {
  await Promise.all([pod.untilHeard(bytesIn(fromClient)), client.untilHeard(bytesIn(fromPod))]);
  client.finishSending();
  await pod.untilOver();
  pod.finishSending();
  await client.untilOver();
  expectSame(pod.heard, Buffer.concat(fromClient));
  expectSame(client.heard, Buffer.concat(fromPod));
}

/** Each byte is on its own: it is sent when the one before has arrived. */
async function oneByOne(from: RawEnd, to: RawEnd, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += 1) {
    from.send(bytes.subarray(at, at + 1));
    await to.untilHeard(at + 1);
  }
}

describe('the bytes of a WebSocket', () => {
  it.each(CASES)('pass as they are, both ways: %s', async (_name, make) => {
    const ends = await webSockets.open();
    const [fromClient, fromPod] = [make({ isMasked: true }), make({})];
    ends.client.send(...fromClient);
    ends.pod.send(...fromPod);
    await expectPassed(ends, fromClient, fromPod);
  });

  it('pass as they are when a client does not mask, and a pod does', async () => {
    const ends = await webSockets.open();
    const [fromClient, fromPod] = [fragmented({}, []), fragmented({ isMasked: true }, [])];
    ends.client.send(...fromClient);
    ends.pod.send(...fromPod);
    await expectPassed(ends, fromClient, fromPod);
  });

  it('pass one by one, without waiting for the rest of their frame', async () => {
    const ends = await webSockets.open();
    const [fromClient, fromPod] = [fragmented({ isMasked: true }, [rawClose(1000)]), fragmented({}, [rawClose(1000)])];
    await oneByOne(ends.client, ends.pod, Buffer.concat(fromClient));
    await oneByOne(ends.pod, ends.client, Buffer.concat(fromPod));
    await expectPassed(ends, fromClient, fromPod);
  });

  it('pass in order however they are cut, with both ends speaking at once', async () => {
    const piece = fc.tuple(fc.integer({ min: 1, max: 90_000 }), fc.integer({ min: 0, max: 255 }));
    const pieces = fc.array(
      piece.map(([length, byte]) => Buffer.alloc(length, byte)),
      { minLength: 1, maxLength: 8 },
    );
    const property = fc.asyncProperty(pieces, pieces, async (fromClient, fromPod) => {
      const ends = await webSockets.open();
      ends.client.send(...fromClient);
      ends.pod.send(...fromPod);
      await expectPassed(ends, fromClient, fromPod);
    });
    await fc.assert(property, { numRuns: 20 });
  });
});

describe('bytes that come together with the handshake', () => {
  const early = (isMasked: boolean) => [
    rawFrame('early', { isMasked }),
    rawFrame(Buffer.alloc(200_000, 7), { isMasked }),
  ];
  const late = (isMasked: boolean) => [rawFrame('late', { isMasked })];

  it('of either end arrive, and before those that follow', async () => {
    const ends = await webSockets.open({
      fromClient: Buffer.concat(early(true)),
      fromPod: Buffer.concat(early(false)),
    });
    ends.client.send(...late(true));
    ends.pod.send(...late(false));
    await expectPassed(ends, [...early(true), ...late(true)], [...early(false), ...late(false)]);
  });

  it('wait in order while the session is held', async () => {
    let letIn: (() => void) | undefined;
    edge.harness.sessions.gate = () => new Promise<void>((resolve) => (letIn = resolve));
    const ends = await webSockets.open({
      fromClient: Buffer.concat(early(true)),
      meanwhile: async (client) => {
        await eventually(() => expect(letIn).toBeDefined());
        client.send(...late(true));
        letIn!();
      },
    });
    await expectPassed(ends, [...early(true), ...late(true)], []);
  });
});
