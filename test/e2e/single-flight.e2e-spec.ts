import { executed } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('many first requests at once', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth();
  });

  it('to one id make one process, and each is answered by it', async () => {
    const answers = await Promise.all(upTo(100).map((call) => berth.execute('crowd', { [`call${call}`]: call })));
    const results = answers.map(executed);
    expect(new Set(results.map(({ pid }) => pid)).size).toBe(1);
    expect(results.map(({ executions }) => executions).sort((a, b) => a - b)).toEqual(upTo(100));
    expect(new Set(answers.map(({ headers }) => headers['x-session-generation']))).toEqual(new Set(['1']));
    expect(berth.pods()).toHaveLength(1);
    await expect(berth.metrics()).resolves.toMatch(/session_pod_creation_duration_seconds_count\{.*\} 1\n/);
  });

  it('to 20 ids are all answered, each by a process of its own', async () => {
    const before = berth.pods().length;
    const answers = await Promise.all(upTo(20).map((id) => berth.execute(`id-${id}`, id)));
    const results = answers.map(executed);
    expect(results.map(({ data }) => data)).toEqual(upTo(20));
    expect(new Set(results.map(({ pid }) => pid)).size).toBe(20);
    expect(berth.pods()).toHaveLength(before + 20);
  });

  it('in several ways at once still make one process', async () => {
    const before = berth.pods().length;
    const ways = upTo(30).map((call) => {
      if (call % 3 === 0) return berth.put('mixed');
      if (call % 3 === 1) return berth.execute('mixed', call);
      return berth.call('POST', '/execute', {
        as: 'alice',
        headers: { 'x-session-id': 'mixed' },
        body: { data: call },
      });
    });
    const answers = await Promise.all(ways);
    expect(answers.filter(({ status }) => status > 201)).toEqual([]);
    expect(answers.filter(({ status }) => status === 201).length).toBeLessThanOrEqual(1);
    expect(berth.pods()).toHaveLength(before + 1);
  });
});
