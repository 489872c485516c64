import { dirname } from 'node:path';

import { proxied } from '../support/answers.js';
import { startBerth } from '../support/berth-process.js';
import { temporaryPath, writeTemplates } from '../support/templates-file.js';
import { runAutobahn, type Verdicts } from './autobahn.js';

/** Run by scripts/websocket-conformance. */

const LIMIT_MS = 400_000;
/** Of the group that measures how fast a server is, only what is quickly done. */
const CASES = [1, 2, 3, 4, 5, 6, 7, 10].map((group) => `${group}.*`);
const QUICK = ['9.1.1', '9.1.2', '9.2.1', '9.2.2', '9.3.9', '9.4.9', '9.7.1', '9.8.1'];

describe('the Autobahn test suite', () => {
  let direct: Verdicts;
  let throughBerth: Verdicts;

  beforeAll(async () => {
    const berth = await startBerth({ TEMPLATES_PATH: writeTemplates() });
    await berth.put('ws', { template: 'demo' });
    const { PORT } = (await berth.call('GET', proxied('ws', '/env'), { as: 'alice' })).body;
    const path = berth.url.replace(/^http/, 'ws') + proxied('ws', '/ws');
    const servers = [
      { agent: 'direct', url: `ws://127.0.0.1:${PORT as string}/ws`, protocols: [] },
      { agent: 'berth', url: path, protocols: [`berth.bearer.${berth.token('alice')}`] },
    ];
    const limits = { cases: [...CASES, ...QUICK], limitMs: LIMIT_MS };
    const verdicts = await runAutobahn(dirname(temporaryPath('spec')), servers, limits);
    [direct, throughBerth] = [verdicts.direct!, verdicts.berth!];
    console.log(`${Object.keys(direct).length} cases, the pod alone: ${JSON.stringify(counted(direct))}`);
  }, LIMIT_MS + 30_000);

  it('runs more than two hundred cases, and finds the pod itself sound in nearly all', () => {
    const verdicts = Object.values(direct);
    expect(verdicts.length).toBeGreaterThan(200);
    const sound = verdicts.filter((verdict) => verdict.startsWith('OK, close OK'));
    expect(sound.length / verdicts.length).toBeGreaterThan(0.9);
  });

  it('comes to the same verdict on every case through Berth', () => {
    expect(throughBerth).toEqual(direct);
  });
});

function counted(verdicts: Verdicts): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const verdict of Object.values(verdicts)) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}
