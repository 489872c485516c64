import { FakeClock } from '../../../test/support/fake-clock.js';
import { chunks, chunksUntil, viewOf } from '../../../test/support/gateway/fake-sessions.js';
import type { SessionEvent } from '../../lifecycle/sessions.js';
import { eventFrames } from './event-frames.js';

const caller = { owner: 'ann', isAdmin: false, scopes: [] };
const ready: SessionEvent = { event: 'ready', session: viewOf('a') };
const restarted: SessionEvent = { event: 'restarted', session: viewOf('a', { restarts: 2 }) };

async function all(frames: AsyncIterable<string>): Promise<string[]> {
  const received: string[] = [];
  for await (const frame of frames) received.push(frame);
  return received;
}

describe('events on the wire', () => {
  it('are named after the state and carry the session, each on lines of its own', async () => {
    const frames = await all(eventFrames(chunks(ready, restarted), caller, new FakeClock()));
    expect(frames).toHaveLength(2);
    const [first, data, blank] = frames[0]?.split('\n') ?? [];
    expect([first, blank]).toEqual(['event: ready', '']);
    expect(JSON.parse(data?.replace('data: ', '') ?? '')).toMatchObject({ id: 'a', state: 'ready', restarts: 1 });
    expect(frames[1]).toMatch(/^event: restarted\ndata: \{.*\}\n\n$/);
  });

  it('have a comment between them for every 15 s in which nothing happens', async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    const frames = eventFrames(chunksUntil(stop.signal, ready), caller, clock);
    await frames.next();
    for (let beat = 0; beat < 3; beat++) {
      const next = frames.next();
      await clock.advance(15_000);
      expect((await next).value).toMatch(/^: .*\n\n$/);
    }
    const last = frames.next();
    stop.abort();
    expect((await last).done).toBe(true);
  });

  it('lose no event to a comment', async () => {
    const clock = new FakeClock();
    let happen = (): void => undefined;
    const happens = new Promise<void>((resolve) => (happen = resolve));
    async function* late(): AsyncGenerator<SessionEvent> {
      await happens;
      yield ready;
    }
    const frames = eventFrames(late(), caller, clock);
    const comment = frames.next();
    await clock.advance(15_000);
    expect((await comment).value).toMatch(/^:/);
    happen();
    expect((await frames.next()).value).toMatch(/^event: ready/);
  });

  it('leave no timer behind', async () => {
    const clock = new FakeClock();
    await all(eventFrames(chunks(ready), caller, clock));
    expect(clock.pendingTimers).toBe(0);
  });
});
