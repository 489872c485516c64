import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Doomed } from '../support/doomed.js';
import { eventually } from '../support/eventually.js';
import { about, plainTemplate, processRuntime, type About } from '../support/process-runtime.js';

const onLinux = process.platform === 'linux' ? describe : describe.skip;

/** All that belongs to a process group: the command, what it has started, and the guard. */
function group(pgid: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const fields = stat(pid);
    return fields[0] !== 'Z' && Number(fields[2]) === pgid;
  });
}

function stat(pid: number): string[] {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return line.slice(line.lastIndexOf(')') + 2).split(' ');
  } catch {
    return ['Z'];
  }
}

onLinux('when Berth is killed with kill -9', () => {
  let doomed: Doomed;
  afterEach(() => doomed.clear());

  async function berthOf(...flags: string[][]): Promise<About[]> {
    doomed = new Doomed(flags.map((some) => plainTemplate(some).command!));
    return Promise.all((await doomed.pods()).map(about));
  }

  it('every pod ends with it, with all that it has started', async () => {
    const pods = await berthOf([], ['--with-child'], ['--ignore-term', '--with-child']);
    const withChildren = pods.filter(({ childPid }) => childPid !== undefined);
    expect(withChildren).toHaveLength(2);
    for (const { pid, childPid } of withChildren) expect(group(pid)).toEqual(expect.arrayContaining([pid, childPid]));
    for (const { pid } of pods) expect(group(pid).length).toBeGreaterThanOrEqual(2);
    await doomed.kill9();
    await eventually(() => expect(pods.flatMap(({ pid }) => group(pid))).toEqual([]));
  });

  it('a pod ends with it that had been asked to end and refused', async () => {
    const [pod] = await berthOf(['--ignore-term', '--with-child']);
    await doomed.deletePods();
    await doomed.kill9();
    await eventually(() => expect(group(pod!.pid)).toEqual([]));
  });

  it('the next Berth removes the folders that it left, and no other', async () => {
    await berthOf([]);
    const [left] = readdirSync(doomed.stateRoot);
    await doomed.kill9();
    const living = processRuntime({ stateRoot: doomed.stateRoot });
    await living.runtime.createWarm(plainTemplate([], { command: ['sleep', '600'] }));
    const ofLiving = readdirSync(doomed.stateRoot).filter((name) => name !== left);
    expect(ofLiving).toHaveLength(1);
    await eventually(() => expect(readdirSync(doomed.stateRoot)).toEqual(ofLiving));

    const third = processRuntime({ stateRoot: doomed.stateRoot });
    await third.runtime.createWarm(plainTemplate([], { command: ['sleep', '600'] }));
    await third.runtime.stop();
    expect(readdirSync(doomed.stateRoot)).toEqual(ofLiving);
    expect(readdirSync(join(doomed.stateRoot, ofLiving[0]!))).toHaveLength(2);
    await living.runtime.stop();
    expect(readdirSync(doomed.stateRoot)).toEqual([]);
  });
});

onLinux('while Berth lives', () => {
  const own = processRuntime();
  afterAll(() => own.close());

  async function warm(...flags: string[]): Promise<{ name: string; pod: About }> {
    const { name } = await own.runtime.createWarm(plainTemplate(flags));
    return { name, pod: await ready(name) };
  }

  async function ready(name: string, restarts = 0): Promise<About> {
    return eventually(async () => {
      const pod = await own.runtime.read(name);
      expect(pod).toMatchObject({ phase: 'ready', restarts });
      return about(pod as never);
    });
  }

  it('a command that ends takes the rest of its group with it before it is started again', async () => {
    const { name, pod } = await warm('--with-child');
    process.kill(pod.pid, 'SIGKILL');
    const again = await ready(name, 1);
    expect(again.pid).not.toBe(pod.pid);
    expect(group(pod.pid)).toEqual([]);
    expect(group(again.pid)).toEqual(expect.arrayContaining([again.pid, again.childPid]));
  });

  it('the command is the child itself: no shell stands before it, and it has no child that it did not start', async () => {
    const { pod } = await warm('--with-child');
    expect(Number(stat(pod.pid)[1])).toBe(process.pid);
    const children = group(pod.pid).filter((pid) => Number(stat(pid)[1]) === pod.pid);
    expect(children).toEqual([pod.childPid]);
  });

  it('a pod whose guard was killed is started anew with another', async () => {
    const { name, pod } = await warm();
    const guard = group(pod.pid).find((pid) => pid !== pod.pid)!;
    process.kill(guard, 'SIGKILL');
    const again = await ready(name, 1);
    expect(group(again.pid)).toHaveLength(2);
    expect(group(pod.pid)).toEqual([]);
  });

  it('stop leaves no process, not even of a pod that ignores SIGTERM, and no folder', async () => {
    const stopped = processRuntime({ stopGraceMs: 100 });
    const created = await stopped.runtime.createWarm(plainTemplate(['--ignore-term', '--with-child']));
    const pod = await eventually(async () => about(created));
    expect(group(pod.pid).length).toBeGreaterThanOrEqual(3);
    await stopped.runtime.stop();
    expect(readdirSync(stopped.stateRoot)).toEqual([]);
    await eventually(() => expect(group(pod.pid)).toEqual([]));
    await stopped.close();
  });
});
