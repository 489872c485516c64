import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { PodRefused, RuntimeUnavailable } from '../../src/lifecycle/lifecycle.errors.js';
import type { Pod } from '../../src/lifecycle/runtime/pod.js';
import type { Template } from '../../src/lifecycle/templates/template.js';
import { eventually } from '../support/eventually.js';
import { about, ask, plainTemplate, processRuntime, type About, type OwnRuntime } from '../support/process-runtime.js';
import type { RuntimeHarness } from './session-runtime/harness.js';
import { Stage } from './session-runtime/stage.js';
import { sessionRuntimeContract } from './session-runtime.contract.js';

/** A shell may set these; what they say is no secret. */
const SET_BY_SHELL = ['PWD', 'OLDPWD', 'SHLVL', '_'];
const LAST_WORDS = ['sh', '-c', 'echo first words; echo last words >&2; exit 7'];

function harnessOf(own: OwnRuntime): RuntimeHarness {
  return {
    runtime: own.runtime,
    close: () => own.close(),
    templates: {
      serving: plainTemplate(),
      silent: plainTemplate([], { name: 'silent', command: ['sleep', '600'] }),
      crashing: plainTemplate([], { name: 'crashing', command: LAST_WORDS }),
    },
    crash: async (pod) => void process.kill((await about(pod)).pid, 'SIGKILL'),
    print: async (pod, line) => void (await ask(pod, `/print?${encodeURIComponent(line)}`)),
    answers: (pod) =>
      ask(pod, '/health').then(
        (response) => response.ok,
        () => false,
      ),
  };
}

sessionRuntimeContract('ProcessSessionRuntime', () => Promise.resolve(harnessOf(processRuntime())));

describe('ProcessSessionRuntime', () => {
  let own: OwnRuntime;
  let stage: Stage;
  beforeAll(() => {
    own = processRuntime({ baseEnv: { PATH: process.env.PATH!, LANG: 'C.UTF-8' }, logLevel: 'debug' });
    stage = new Stage(harnessOf(own));
  });
  afterAll(() => own.close());

  async function running(template: Template): Promise<{ pod: Pod; process: About }> {
    const pod = await stage.ready(stage.order(template));
    return { pod, process: await about(pod) };
  }

  async function restarted(pod: Pod, restarts = 1): Promise<About> {
    return about(await stage.until(pod.name, { phase: 'ready', restarts }));
  }

  describe('the environment of a pod', () => {
    it('holds what Berth is told to pass on, what template and client say, where it is, and nothing else', async () => {
      process.env.BERTH_TEST_SECRET = 'not for sessions';
      const template = plainTemplate([], { env: { COLOUR: 'red', SHAPE: 'round', LOG_LEVEL: 'warn' } });
      const order = stage.order(template, { env: { COLOUR: 'green' } });
      const pod = await stage.ready(order);
      const { env, cwd } = await about(pod);
      delete process.env.BERTH_TEST_SECRET;
      const shown = Object.entries(env).filter(([name]) => !SET_BY_SHELL.includes(name));
      expect(Object.fromEntries(shown)).toEqual({
        PATH: process.env.PATH,
        LANG: 'C.UTF-8',
        COLOUR: 'green',
        SHAPE: 'round',
        LOG_LEVEL: 'warn',
        HOME: cwd,
        TMPDIR: cwd,
        SESSION_ID: order.id,
        HOST: '127.0.0.1',
        PORT: pod.address!.split(':')[1],
        STATE_FILE_PATH: join(cwd, 'session-state.json'),
      });
      expect(cwd.startsWith(own.stateRoot)).toBe(true);
    });

    it('names no session in a warm pod, not even after it was claimed and has restarted', async () => {
      const { name } = await stage.runtime.createWarm(plainTemplate());
      const warm = await stage.untilReady(name);
      const before = await about(warm);
      expect(before.env).toMatchObject({ LOG_LEVEL: 'debug' });
      expect(before.env).not.toHaveProperty('SESSION_ID');
      await stage.runtime.claim(warm, stage.order(plainTemplate()));
      await stage.harness.crash(warm);
      const after = await restarted(warm);
      expect(after.env).toEqual(before.env);
      expect(after.pid).not.toBe(before.pid);
    });
  });

  it('gives each pod a port below those that the kernel gives to clients, and a folder of its own', async () => {
    const pods = await Promise.all([1, 2, 3].map(() => running(plainTemplate())));
    const ports = pods.map(({ pod }) => Number(pod.address!.split(':')[1]));
    expect(new Set(ports).size).toBe(3);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000);
    expect(Math.max(...ports)).toBeLessThan(32_000);
    expect(new Set(pods.map(({ process }) => process.cwd)).size).toBe(3);
  });

  it('keeps port and files over a restart, whatever the exit code', async () => {
    const { pod, process } = await running(plainTemplate());
    writeFileSync(process.env.STATE_FILE_PATH!, '{"kept":true}');
    await ask(pod, '/exit?0').catch(() => undefined);
    const again = await restarted(pod);
    expect(again).toMatchObject({ cwd: process.cwd, env: process.env });
    expect(again.pid).not.toBe(process.pid);
    expect(readdirSync(again.cwd)).toContain('session-state.json');
  });

  it('tells why it restarts while it does', async () => {
    const failures: Pod['failure'][] = [];
    const { pod } = await running(plainTemplate());
    const watch = stage.runtime.watch((seen) => {
      if (seen.uid === pod.uid && seen.phase === 'restarting') failures.push(seen.failure);
    });
    await ask(pod, '/exit?3').catch(() => undefined);
    await restarted(pod);
    await watch.stop();
    expect(failures).toEqual([{ reason: 'Exited', message: 'The process exited with code 3.' }]);
  });

  it('tells of a crash loop how it ended and what it printed', async () => {
    const { name } = await stage.created(stage.order(stage.templates.crashing));
    const { failure, restarts } = await stage.until(name, { phase: 'dead' });
    expect(restarts).toBe(2);
    expect(failure!.message).toMatch(/exited with code 7.*third time.*\n.*first words\nlast words/s);
  });

  it('counts a pod as crashed that was killed three times in a row, though it was ready each time', async () => {
    const { pod } = await running(plainTemplate());
    for (const restarts of [1, 2]) {
      await stage.harness.crash(pod);
      await restarted(pod, restarts);
    }
    await stage.harness.crash(pod);
    const dead = await stage.until(pod.name, { phase: 'dead', crashed: true });
    expect(dead.failure!.message).toContain('SIGKILL');
  });

  it('takes a pod for lost whose state folder has vanished', async () => {
    const { pod, process } = await running(plainTemplate(['--with-child']));
    rmSync(process.cwd, { recursive: true });
    const dead = await stage.until(pod.name, { phase: 'dead' });
    expect(dead).toMatchObject({ crashed: false, failure: { reason: 'StateLost' }, restarts: 0 });
    expect(await stage.harness.answers(pod)).toBe(false);
  });

  it('refuses a command that does not exist, and keeps nothing of it', async () => {
    const before = readdirSync(join(own.stateRoot, readdirSync(own.stateRoot)[0]!)).length;
    const order = stage.order(plainTemplate([], { name: 'misspelt', command: ['no-such-program'] }));
    const refusal = await stage.runtime.create(order).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(PodRefused);
    expect(refusal).toMatchObject({ reason: 'CommandNotFound', message: expect.stringContaining('"no-such-program"') });
    expect((await stage.runtime.list()).some(({ assignment }) => assignment?.id === order.id)).toBe(false);
    const folders = (): number => readdirSync(join(own.stateRoot, readdirSync(own.stateRoot)[0]!)).length;
    await eventually(() => expect(folders()).toBeLessThanOrEqual(before));
  });

  it('refuses a memory limit that is no quantity', async () => {
    const template = plainTemplate([], { resources: { limits: { memory: 'lots' } } });
    await expect(stage.runtime.create(stage.order(template))).rejects.toThrow(/"lots".*not a quantity/);
  });

  it('says of a pod that is slow to become ready what it answers', async () => {
    const pod = await stage.created(stage.order(plainTemplate(['--health=404'])));
    const starting = await eventually(async () => {
      const seen = await stage.truth(pod.name);
      expect(seen.failure).toBeDefined();
      return seen;
    }, 8_000);
    expect(starting).toMatchObject({ phase: 'starting', restarts: 0, failure: { reason: 'NotReady' } });
    expect(starting.failure!.message).toMatch(/^GET \/health on port \d+ answered 404\.$/);
  });

  it('kills a pod that ignores SIGTERM once the grace is over, and removes its folder', async () => {
    const { pod, process } = await running(plainTemplate(['--ignore-term']));
    await stage.marked(pod.name);
    await stage.onNow(pod.name, (now) => stage.runtime.delete(now));
    expect(await stage.truth(pod.name)).toMatchObject({ deleting: true });
    expect(await stage.harness.answers(pod)).toBe(true);
    await stage.untilGone(pod.name);
    expect(await stage.harness.answers(pod)).toBe(false);
    await eventually(() => expect(existsSync(process.cwd)).toBe(false));
  });

  (process.platform === 'linux' ? it : it.skip)('kills a pod that uses more memory than its limit', async () => {
    const template = plainTemplate([], { resources: { limits: { memory: '150Mi' } } });
    const { pod } = await running(template);
    const failures: Pod['failure'][] = [];
    const watch = stage.runtime.watch((seen) => {
      if (seen.uid === pod.uid && seen.phase === 'restarting') failures.push(seen.failure);
    });
    await ask(pod, '/eat?200000000').catch(() => undefined);
    await restarted(pod);
    await watch.stop();
    expect(failures).toMatchObject([{ reason: 'OOMKilled', message: expect.stringMatching(/limit is 150 MiB/) }]);
  });

  it('makes nothing once it is stopped, and its watchers hear nothing of the end', async () => {
    const stopped = processRuntime();
    const itsStage = new Stage(harnessOf(stopped));
    const pod = await itsStage.ready(itsStage.order(plainTemplate()));
    const told: boolean[] = [];
    stopped.runtime.watch((_, gone) => told.push(gone));
    await eventually(() => expect(told).toEqual([false]));
    const late = itsStage.created(itsStage.order(plainTemplate())).catch((error: unknown) => error);
    await stopped.runtime.stop();
    expect(told).toEqual([false]);
    expect(await late).toBeInstanceOf(RuntimeUnavailable);
    await expect(stopped.runtime.createWarm(plainTemplate())).rejects.toBeInstanceOf(RuntimeUnavailable);
    expect(await itsStage.harness.answers(pod)).toBe(false);
    expect(readdirSync(stopped.stateRoot)).toEqual([]);
    await stopped.close();
  });
});
