import { executed, expectProblem } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';

describe('a pod that does not answer', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth({ PROXY_FIRST_BYTE_TIMEOUT_SECONDS: '1', PROXY_CONNECT_TIMEOUT_SECONDS: '1' });
  });

  it('is slow, not dead: requests to it fail, it is not replaced, and it goes on with its state', async () => {
    const { pid } = executed(await berth.execute('stalled', { kept: true }));
    process.kill(pid, 'SIGSTOP');
    try {
      const asked = await Promise.all([1, 2, 3].map(() => berth.execute('stalled', { lost: true })));
      for (const answer of asked) expectProblem(answer, 502, 'POD_LOST');
      expect((await berth.status('stalled')).body).toMatchObject({ state: 'ready', generation: 1, restarts: 0 });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const after = await berth.execute('stalled', { more: true });
    expect(after.headers).toMatchObject({ 'x-session-generation': '1', 'x-session-restarts': '0' });
    expect(executed(after)).toMatchObject({ pid, data: { kept: true, more: true } });
  });
});
