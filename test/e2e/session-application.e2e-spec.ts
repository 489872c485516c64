import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { executed } from '../support/answers.js';
import { BerthClient } from '../support/berth-client.js';
import { temporaryPath } from '../support/templates-file.js';

const MAIN = join(__dirname, '../../dist/session-pod/main.js');

/** The bundled session application as a runtime runs it: by its environment, its port and its signals alone. */
describe('the session application', () => {
  const stateFilePath = temporaryPath('state.json');
  let child: ChildProcess;
  let exit: Promise<[number | null]>;
  let client: BerthClient;

  async function start(): Promise<void> {
    const env = { PORT: '0', HOST: '127.0.0.1', SESSION_ID: 's1', STATE_FILE_PATH: stateFilePath };
    child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    exit = once(child, 'exit') as typeof exit;
    const [line] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string];
    client = new BerthClient(`http://127.0.0.1:${/listens on [\d.]+:(\d+)/.exec(line)![1]}`, '');
  }
  async function end(signal: NodeJS.Signals): Promise<number | null> {
    child.kill(signal);
    const [code] = await exit;
    await client.close();
    return code;
  }
  const execute = (data: unknown) => client.call('POST', '/execute', { body: { data } });

  beforeEach(start);
  afterEach(() => end('SIGKILL'));

  it('loses nothing that it has answered, however often it is killed in the middle of its work', async () => {
    let answered = 0;
    for (let round = 1; round <= 4; round++) {
      answered = executed(await execute({})).executions;
      const killed = new Promise<void>((resolve) =>
        setTimeout(() => void end('SIGKILL').then(() => resolve()), 30 * round),
      );
      for (;;) {
        const answer = await execute({ padding: 'x'.repeat(50_000) }).catch(() => undefined);
        if (!answer) break;
        answered = executed(answer).executions;
      }
      await killed;
      await start();
      const { executions } = executed(await client.call('GET', '/state'));
      expect([answered, answered + 1]).toContain(executions);
      answered = executions;
    }
    expect(answered).toBeGreaterThanOrEqual(4);
    expect(readdirSync(dirname(stateFilePath))).not.toContain('state.json.set-aside');
  });

  it('ends with 0 when it is asked to, after it has answered what is open', async () => {
    const answers = [1, 2, 3].map(execute);
    await Promise.race(answers);
    expect(await end('SIGTERM')).toBe(0);
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200);
  });
});
