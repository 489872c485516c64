import { writeFileSync } from 'node:fs';

import { expectProblem, proxied } from '../support/answers.js';
import type { Answer } from '../support/berth-client.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { temporaryPath, writeTemplates } from '../support/templates-file.js';

describe('limits', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth({
      TEMPLATES_PATH: writeTemplates(),
      MAX_CONCURRENT_SESSIONS: '4',
      MAX_SESSIONS_PER_OWNER: '3',
      MAX_PENDING_REQUESTS: '2',
      RATE_LIMIT_PER_OWNER: '50',
    });
  });
  let used: [string, string][] = [];
  const open = async (id: string, as: string, asked = {}): Promise<Answer> => {
    const answer = await berth.put(id, asked, { as });
    if (answer.status === 201) used.push([id, as]);
    return answer;
  };
  afterEach(async () => {
    for (const [id, as] of used) await berth.end(id, { as });
    used = [];
  });

  it('for one owner: the next session is refused until another has ended', async () => {
    for (const id of ['a1', 'a2', 'a3']) expect(await open(id, 'alice')).toMatchObject({ status: 201 });
    expectProblem(await open('a4', 'alice'), 429, 'OWNER_LIMIT');
    expectProblem(await berth.execute('a4', 1), 429, 'OWNER_LIMIT');
    expect(await berth.put('a1')).toMatchObject({ status: 200 });
    expect(await berth.execute('a1', 1)).toMatchObject({ status: 200 });
    await berth.end('a2');
    expect(await open('a4', 'alice')).toMatchObject({ status: 201 });
  });

  it('for all: the next session is refused, running ones go on, and a place that is freed is given', async () => {
    for (const id of ['a1', 'a2', 'a3']) await open(id, 'alice');
    expect(await open('b1', 'bob')).toMatchObject({ status: 201 });
    expectProblem(await open('b2', 'bob'), 503, 'CAPACITY_EXHAUSTED');
    expectProblem(await berth.execute('b2', 1, { as: 'bob' }), 503, 'CAPACITY_EXHAUSTED');
    expectProblem(await berth.status('b2', { as: 'bob' }), 404, 'SESSION_NOT_FOUND');
    expect(await berth.execute('b1', 1, { as: 'bob' })).toMatchObject({ status: 200 });
    await berth.end('a1');
    expect(await berth.execute('b2', 1, { as: 'bob' })).toMatchObject({ status: 200 });
    used.push(['b2', 'bob']);
  });

  it('hold for many first requests at once', async () => {
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => open(`many-${n}`, 'alice')));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    for (const answer of answers.filter(({ status }) => status !== 201)) expectProblem(answer, 429, 'OWNER_LIMIT');
  });

  it('for requests that wait: the next one is refused, those that wait are served', async () => {
    const gate = temporaryPath('gate');
    await open('slow', 'alice', { template: 'demo', env: { START_WHEN_EXISTS: gate } });
    const waiting = [1, 2, 3].map(() => berth.call('GET', proxied('slow', '/seen'), { as: 'alice' }));
    const first = await Promise.race(waiting);
    expectProblem(first, 503, 'TOO_MANY_WAITING');
    writeFileSync(gate, '');
    const statuses = (await Promise.all(waiting)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 503]);
  });

  it('for the rate of one owner: too many requests are refused, those of others are not', async () => {
    const ask = (subject: string): Promise<Answer> => berth.status('none', { as: subject });
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask('carol')));
    const limited = answers.filter(({ status }) => status === 429);
    expect(limited.length).toBeGreaterThan(0);
    expect(limited.length).toBeLessThan(200);
    expectProblem(limited[0]!, 429, 'RATE_LIMITED');
    expect(await ask('dave')).toMatchObject({ status: 404 });
    await eventually(async () => expect(await ask('carol')).toMatchObject({ status: 404 }));
  });
});
