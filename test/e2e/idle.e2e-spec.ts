import { PassThrough } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

import { executed, proxied } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { isAlive } from '../support/processes.js';
import { eventOf, nextMessage, serverEvents } from '../support/streams.js';
import { writeTemplates } from '../support/templates-file.js';

const IDLE_MS = 2_000;

/** All that is told here takes its time (it is about time), so all of it happens at once and the tests look at the outcomes. */
describe('a session that nobody uses', () => {
  let berth: BerthProcess;
  let stories: { idle: ReturnType<typeof idles>; open: ReturnType<typeof staysOpen>; race: ReturnType<typeof races> };
  beforeAll(async () => {
    berth = await startBerth({ IDLE_TIMEOUT_SECONDS: '2', TEMPLATES_PATH: writeTemplates() });
    stories = { idle: idles(berth), open: staysOpen(berth), race: races(berth) };
    for (const story of Object.values(stories)) story.catch(() => undefined); // reported by the test that awaits it
  });

  it('is ended after its idle timeout, soon, however often its status is asked', async () => {
    const { goneAfterMs, polls } = await stories.idle;
    expect(polls).toBeGreaterThan(10);
    expect(goneAfterMs).toBeGreaterThanOrEqual(IDLE_MS);
    expect(goneAfterMs).toBeLessThanOrEqual(4_000);
  });

  it('is kept while an upload is open', async () => {
    expect((await stories.open).upload).toMatchObject({ status: 200, generation: '1' });
  });

  it('is kept while an SSE stream is open', async () => {
    expect((await stories.open).ticks).toBe(100);
  });

  it('is kept while a WebSocket is open on which nothing is said', async () => {
    expect((await stories.open).echoed).toBe('still there?');
  });

  it('is ended once they are closed', async () => {
    expect((await stories.open).goneAfterMs).toBeLessThanOrEqual(4_000);
  });

  it('is served whenever it is asked around the moment of its end, if need be by a new pod', async () => {
    const answers = await stories.race;
    expect(answers).toHaveLength(ROUNDS * SPREAD_MS.length);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const anew = answers.filter(({ executions }) => executions === 1);
    expect(anew.length).toBeGreaterThan(0); // or nothing raced
    expect(anew.length).toBeLessThan(answers.length);
  });
});

async function idles(berth: BerthProcess): Promise<{ goneAfterMs: number; polls: number }> {
  const { pid } = executed(await berth.execute('idle', 1));
  const usedAtMs = performance.now();
  const pod = berth.pods().find((one) => one.pid === pid)!;
  let polls = 0;
  await eventually(async () => {
    polls++;
    const { status } = await berth.status('idle');
    expect({ status, isAlive: isAlive(pod) }).toEqual({ status: 404, isAlive: false });
  }, 8_000);
  return { goneAfterMs: performance.now() - usedAtMs, polls };
}

/** Three sessions, each with one thing open for five seconds, which is paced by the ticks of the SSE stream. */
async function staysOpen(berth: BerthProcess) {
  const put = (id: string) => berth.put(id, { template: 'demo' });
  const body = new PassThrough();
  body.write('begun ');
  // Each is used as soon as it is there: on a busy machine the others may take longer than it may be idle.
  const upload = put('upload').then(() => berth.call('POST', proxied('upload', '/upload'), { as: 'alice', body }));
  const [socket, stream] = await Promise.all([
    put('socket').then(() => berth.socket(proxied('socket', '/ws'), { as: 'alice' })),
    put('stream').then(() => berth.open('GET', proxied('stream', '/events'), { as: 'alice' })),
  ]);

  const events = serverEvents(stream.body);
  let ticks = 0;
  while (ticks < 100) {
    await eventOf(events, 'tick');
    ticks++;
    if (ticks % 10 === 0) body.write('some more ');
  }
  const echo = nextMessage(socket);
  socket.send('still there?');
  const echoed = await echo;
  body.end();
  const { status, headers } = await upload;

  stream.body.on('error', () => undefined).destroy();
  socket.close();
  const goneAfterMs = await untilGone(berth, ['upload', 'stream', 'socket']);
  return { upload: { status, generation: headers['x-session-generation'] }, ticks, echoed, goneAfterMs };
}

async function untilGone(berth: BerthProcess, ids: readonly string[]): Promise<number> {
  const fromMs = performance.now();
  await eventually(async () => {
    const answers = await Promise.all(ids.map((id) => berth.status(id)));
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 404));
  }, 8_000);
  return performance.now() - fromMs;
}

/** How far from the end of the idle timeout each client asks; the reaper is somewhere in this. */
const SPREAD_MS = [-60, -20, -5, 0, 5, 15, 30, 60, 120, 250];
const ROUNDS = 3;

async function races(berth: BerthProcess): Promise<{ status: number; executions: number; text: string }[]> {
  const clients = SPREAD_MS.map(async (offsetMs, client) => {
    await berth.execute(`race-${client}`, 0);
    const answers = [];
    for (let round = 1; round <= ROUNDS; round++) {
      await pause(IDLE_MS + offsetMs + round);
      const { status, body, text } = await berth.execute(`race-${client}`, round);
      answers.push({ status, executions: Number(body.executions), text });
    }
    return answers;
  });
  return (await Promise.all(clients)).flat();
}
