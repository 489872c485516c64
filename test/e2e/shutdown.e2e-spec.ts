import { PassThrough } from 'node:stream';

import { expectProblem, proxied } from '../support/answers.js';
import type { Answer } from '../support/berth-client.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import type { Exit } from '../support/launched.js';
import { isAlive, type ProcessId } from '../support/processes.js';
import { closeOf, nextMessage } from '../support/streams.js';
import { temporaryPath, writeTemplates } from '../support/templates-file.js';

const isClean = ({ code, signal }: Exit): boolean => code === 0 || code === 143 || signal === 'SIGTERM';
const alive = (all: readonly ProcessId[]): ProcessId[] => all.filter(isAlive);

describe('a stop (SIGTERM) under load', () => {
  const DELAY_MS = 500;
  const DRAIN_MS = 5_000;
  /** On a machine that has much else to do. */
  const LET_GO_MS = 2_000;
  let berth: BerthProcess;
  let load: Answer[];
  let slow: Answer[];
  let upload: Answer;
  let closed: { code: number };
  let exit: Exit;
  let processes: ProcessId[];

  beforeAll(async () => {
    berth = await startBerth({
      TEMPLATES_PATH: writeTemplates(),
      SHUTDOWN_DELAY_SECONDS: '1',
      SHUTDOWN_DRAIN_SECONDS: String(DRAIN_MS / 1_000),
    });
    await berth.put('demo', { template: 'demo' });
    const socket = await berth.socket(proxied('demo', '/ws/clock'), { as: 'alice' });
    await nextMessage(socket);
    const goodbye = closeOf(socket);
    const body = new PassThrough();
    body.write('begun before, ');
    const uploading = berth.call('POST', proxied('demo', '/upload'), { as: 'alice', body });
    const slowly = [1, 2, 3].map(() => berth.call('GET', proxied('demo', '/slow?ms=1500'), { as: 'alice' }));
    const loading = [1, 2, 3, 4].map((client) => askWhileReady(berth, `load-${client}`));
    await eventually(async () => expect((await berth.status('demo')).body.inFlight).toBe(5));
    await eventually(async () => expect(await requestsOf(berth, 'load-')).toBeGreaterThan(4 * 5));
    processes = berth.processes();

    const stopping = berth.stop();
    closed = await goodbye;
    body.end('finished after');
    load = (await Promise.all(loading)).flat();
    [slow, upload, exit] = await Promise.all([Promise.all(slowly), uploading, stopping]);
  }, 30_000);

  it('loses no request that comes before clients could know', () => {
    expect(load.length).toBeGreaterThan(4);
    expect(load.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('finishes requests that take long, and uploads', () => {
    expect(slow.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(upload.text).toContain('"bytes":28');
  });

  it('closes WebSockets with 1012: come back', () => {
    expect(closed.code).toBe(1012);
  });

  it('ends within the drain time, cleanly', () => {
    expect(isClean(exit)).toBe(true);
    expect(exit.tookMs).toBeGreaterThan(DELAY_MS);
    // What is still open takes the whole drain after the delay; then it only has to be let go of.
    expect(exit.tookMs).toBeLessThan(1_000 + DRAIN_MS + LET_GO_MS);
  });

  it('leaves no child process', async () => {
    expect(processes.length).toBeGreaterThanOrEqual(5);
    await eventually(() => expect(alive(processes)).toEqual([]));
  });
});

/** How many requests the sessions of a kind have had between them. */
async function requestsOf(berth: BerthProcess, prefix: string): Promise<number> {
  const { body } = await berth.call('GET', '/api/v1/sessions', { as: 'alice' });
  const sessions = body.sessions as { id: string; requests: number }[];
  return sessions.filter(({ id }) => id.startsWith(prefix)).reduce((sum, { requests }) => sum + requests, 0);
}

/** As a client behind a load balancer: asks, over one connection, until the replica says that it is not ready. */
async function askWhileReady(berth: BerthProcess, id: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  while ((await berth.call('GET', '/health/ready')).status === 200) answers.push(await berth.execute(id, 1));
  return answers;
}

describe('a stop (SIGTERM) while something never ends', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates(), SHUTDOWN_DRAIN_SECONDS: '1' });
  });

  it('cuts it at the end of the drain time, tells held requests to go elsewhere, and leaves nothing', async () => {
    await berth.put('demo', { template: 'demo' });
    await berth.put('never', { template: 'demo', env: { START_WHEN_EXISTS: temporaryPath('never') } });
    const stream = await berth.open('GET', proxied('demo', '/events'), { as: 'alice' });
    const cut = new Promise((resolve) => stream.body.once('close', resolve).once('error', resolve).resume());
    const held = berth.call('GET', proxied('never', '/seen'), { as: 'alice' });
    await eventually(async () => expect((await berth.status('never')).body.inFlight).toBe(1));
    const processes = berth.processes();

    const stopping = berth.stop();
    expectProblem(await held, 503, 'SHUTTING_DOWN');
    await cut;
    const exit = await stopping;
    expect(isClean(exit)).toBe(true);
    expect(exit.tookMs).toBeLessThan(1_000 + 2_000);
    await eventually(() => expect(alive(processes)).toEqual([]));
  });
});

describe('a kill -9', () => {
  it('leaves no child process either', async () => {
    const berth = await startBerth({ TEMPLATES_PATH: writeTemplates() });
    await Promise.all([berth.execute('one', 1), berth.execute('two', 2), berth.put('demo', { template: 'demo' })]);
    // A PUT is answered before its pod is started.
    await eventually(() => expect(berth.processes().length).toBeGreaterThanOrEqual(3));
    const processes = berth.processes();
    expect(alive(processes)).toEqual(processes);
    await berth.kill9();
    await eventually(() => expect(alive(processes)).toEqual([]));
  });
});

describe('a stop of a replica whose log nobody reads any more', () => {
  it('is a stop all the same', async () => {
    const berth = await startBerth();
    await berth.call('GET', '/health/live', { headers: { 'x-request-id': 'the-last-to-be-read' } });
    await eventually(() => expect(berth.output()).toContain('the-last-to-be-read'));
    berth.stopReading();
    await berth.close(); // no connection is waited for: nothing is written before the very end
    expect(isClean(await berth.stop())).toBe(true);
  });
});
