import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { execute, newState } from './session-state.js';
import { StateFile } from './state-file.js';

describe('the state file', () => {
  let folder: string;
  let path: string;
  let reports: string[];
  const report = (sentence: string): void => void reports.push(sentence);
  const state = execute(newState('s1', new Date()), { a: 1 }, new Date());

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'state-file-'));
    path = join(folder, 'state.json');
    reports = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is absent at first, which is nothing to report', async () => {
    await expect(new StateFile(path).load('s1', report)).resolves.toBeUndefined();
    expect(reports).toEqual([]);
  });

  it('gives back what was saved last, and leaves no other file behind', async () => {
    const file = new StateFile(path);
    await file.save(state);
    await file.save({ ...state, executions: 2 });
    await expect(file.load('s1', report)).resolves.toEqual({ ...state, executions: 2 });
    await expect(readdir(folder)).resolves.toEqual(['state.json']);
  });

  it('keeps the earlier state when a save was cut off by a kill', async () => {
    const file = new StateFile(path);
    await file.save(state);
    await writeFile(`${path}.tmp`, '{"format":"berth-sess');
    await expect(file.load('s1', report)).resolves.toEqual(state);
    await file.save({ ...state, executions: 2 });
    await expect(file.load('s1', report)).resolves.toMatchObject({ executions: 2 });
    expect(reports).toEqual([]);
  });

  it('tells a warm pod that starts again whose it is', async () => {
    await new StateFile(path).save(state);
    await expect(new StateFile(path).load(undefined, report)).resolves.toMatchObject({ sessionId: 's1' });
  });

  it.each([
    ['broken', '{"format":'],
    ['empty', ''],
    ['of another program', '{"version":3,"cells":[]}'],
  ])('sets aside and reports a file that is %s', async (_kind, text) => {
    await writeFile(path, text);
    await expect(new StateFile(path).load('s1', report)).resolves.toBeUndefined();
    expect(reports).toEqual([expect.stringContaining(`${path}.set-aside`)]);
    await expect(readFile(`${path}.set-aside`, 'utf8')).resolves.toBe(text);
  });

  it('sets aside the state of another session', async () => {
    await new StateFile(path).save(state);
    await expect(new StateFile(path).load('s2', report)).resolves.toBeUndefined();
    expect(reports).toEqual([expect.stringContaining('belongs to another session')]);
  });
});
