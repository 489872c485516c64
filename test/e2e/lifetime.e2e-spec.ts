import { setTimeout as pause } from 'node:timers/promises';

import { executed, proxied } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { eventOf, serverEvents } from '../support/streams.js';
import { writeTemplates } from '../support/templates-file.js';

const LIFETIME_MS = 2_000;
const DRAIN_MS = 1_000;

/** A session's maximum lifetime ends it although it is in use. All three stories take as long, so they are told at once. */
describe('a session past its maximum lifetime', () => {
  let berth: BerthProcess;
  let stories: { used: ReturnType<typeof used>; open: ReturnType<typeof open>; unused: ReturnType<typeof unused> };
  beforeAll(async () => {
    berth = await startBerth({ SHUTDOWN_DRAIN_SECONDS: '1', TEMPLATES_PATH: writeTemplates() });
    stories = { used: used(berth), open: open(berth), unused: unused(berth) };
    for (const story of Object.values(stories)) story.catch(() => undefined); // reported by the test that awaits it
  });

  it('says beforehand when that will be', async () => {
    const { createdAt, expiresAt } = (await stories.used).status;
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(LIFETIME_MS);
  });

  it('is followed by a fresh one as soon as it is asked again, without an error between', async () => {
    const { answers, renewedAfterMs } = await stories.used;
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(renewedAfterMs).toBeGreaterThanOrEqual(LIFETIME_MS);
    const generations = new Set(answers.map(({ headers }) => headers['x-session-generation']));
    expect([...generations]).toEqual(['1', '2']);
    expect(executed(answers.at(-1)!)).toMatchObject({ executions: 1, previous: null });
  });

  it('has the drain time for what is open, while new requests are served by the next generation', async () => {
    const { endedAfterMs, meanwhile } = await stories.open;
    expect(meanwhile).toMatchObject({ status: 200, headers: { 'x-session-generation': '2' } });
    expect(endedAfterMs).toBeGreaterThan(DRAIN_MS / 2);
    expect(endedAfterMs).toBeLessThan(DRAIN_MS + 2_000);
  });

  it('is ended when nobody uses it, long before it is idle', async () => {
    expect(await stories.unused).toBeLessThan(LIFETIME_MS + 2_000);
  });
});

const shortLived = { maxLifetimeSeconds: LIFETIME_MS / 1_000, idleTimeoutSeconds: 600 };

async function used(berth: BerthProcess) {
  const openedAtMs = performance.now();
  await berth.put('used', shortLived);
  const status = (await berth.status('used')).body as { createdAt: string; expiresAt: string };
  const answers = [await berth.execute('used', 0)];
  while (answers.at(-1)!.headers['x-session-generation'] === '1') {
    await pause(10);
    answers.push(await berth.execute('used', 0));
  }
  return { status, answers, renewedAfterMs: performance.now() - openedAtMs };
}

async function open(berth: BerthProcess) {
  await berth.put('open', { ...shortLived, template: 'demo' });
  const stream = await berth.open('GET', proxied('open', '/events'), { as: 'alice' });
  const events = serverEvents(stream.body);
  // Later than its lifetime after the opening when the start alone took that long.
  const expiresAtMs = Date.parse((await berth.status('open')).body.expiresAt as string);
  while (Date.now() < expiresAtMs + 100) await eventOf(events, 'tick');
  const meanwhile = await berth.call('GET', proxied('open', '/seen'), { as: 'alice' });
  await eventOf(events, 'tick');
  await untilEnded(events);
  return { meanwhile, endedAfterMs: Date.now() - expiresAtMs };
}

async function untilEnded(events: AsyncGenerator): Promise<void> {
  try {
    while (!(await events.next()).done);
  } catch {
    // cut off is ended, too
  }
}

async function unused(berth: BerthProcess): Promise<number> {
  const openedAtMs = performance.now();
  await berth.put('unused', shortLived);
  await eventually(async () => expect((await berth.status('unused')).status).toBe(404), 8_000);
  return performance.now() - openedAtMs;
}
