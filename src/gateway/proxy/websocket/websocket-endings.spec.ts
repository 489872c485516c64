import { eventually } from '../../../../test/support/eventually.js';
import { FakeClock } from '../../../../test/support/fake-clock.js';
import { EdgeWithPods } from '../../../../test/support/gateway/edge-with-pods.js';
import { rawClose, rawFrame } from '../../../../test/support/gateway/raw-frames.js';
import {
  bytesIn,
  type Ends,
  expectSame,
  type RawEnd,
  RawWebSockets,
} from '../../../../test/support/gateway/raw-websocket.js';
import { GRACE_MS } from '../raw-answer.js';

const edge = new EdgeWithPods();
const webSockets = new RawWebSockets(edge);
let clock: FakeClock;
beforeEach(async () => {
  edge.harness.clock = clock = new FakeClock();
  await edge.setUp();
});
afterEach(async () => {
  webSockets.close();
  await edge.tearDown();
});

describe('the end of a WebSocket', () => {
  const half = rawFrame(Buffer.alloc(300, 1)).subarray(0, 100);
  const bothWays: [string, string, (ends: Ends) => [RawEnd, RawEnd]][] = [
    ['the client', 'the pod', ({ client, pod }) => [client, pod]],
    ['the pod', 'the client', ({ client, pod }) => [pod, client]],
  ];

  it.each(bothWays)('when %s has finished, %s hears of it and is still heard', async (_first, _second, order) => {
    const ends = await webSockets.open();
    const [first, second] = order(ends);
    first.send(rawClose(1000), half);
    first.finishSending();
    await second.untilOver();
    expectSame(second.heard, Buffer.concat([rawClose(1000), half]));
    const lastWords = [rawClose(1000, 'you too'), rawFrame(Buffer.alloc(500_000, 2))];
    second.send(...lastWords);
    await first.untilHeard(bytesIn(lastWords));
    expect(edge.harness.sessions.inUse).toBe(1);
    second.finishSending();
    await first.untilOver();
    expectSame(first.heard, Buffer.concat(lastWords));
  });

  it.each(bothWays)('when %s breaks off in the middle of a frame, %s hears of it', async (_first, _second, order) => {
    const [first, second] = order(await webSockets.open());
    first.send(half);
    await second.untilHeard(half.length);
    first.reset();
    await second.untilOver();
    expectSame(second.heard, half);
  });

  it.each(bothWays)('when %s breaks off while %s sends, nothing stays open', async (_first, _second, order) => {
    const [first, second] = order(await webSockets.open());
    second.send(Buffer.alloc(8_000_000));
    await first.untilHeard(1);
    first.reset();
    await second.untilOver();
    second.destroy();
    await edge.released();
  });

  // The grace used to begin with the end of what was still to be written: never, where all of that was written already.
  it('does not wait for a client that does not follow its pod', async () => {
    const { client, pod } = await webSockets.open();
    pod.finishSending();
    await client.untilOver();
    await eventually(async () => {
      await clock.advance(GRACE_MS);
      expect(edge.harness.sessions.inUse).toBe(0);
    });
    await pod.untilOver();
  });

  it('does not listen for ever to a pod that talks on when its client has finished and gone', async () => {
    const { client, pod } = await webSockets.open();
    client.finishSending();
    await pod.untilOver();
    client.destroy();
    await eventually(async () => {
      pod.send(rawFrame('still there?'));
      await clock.advance(GRACE_MS);
      expect(pod.isClosed).toBe(true);
    });
  });
});
