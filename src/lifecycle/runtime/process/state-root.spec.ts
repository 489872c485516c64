import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { eventually } from '../../../../test/support/eventually.js';
import { SilentLogger } from '../../../../test/support/silent-logger.js';
import { StateRoot } from './state-root.js';

describe('the folder of a Berth process', () => {
  let parent: string;
  let vanished: string[];
  const roots: StateRoot[] = [];
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'state-root-'));
    vanished = [];
  });
  afterEach(async () => {
    for (const root of roots.splice(0)) await root.close();
    await rm(parent, { recursive: true });
  });

  async function open(within = parent): Promise<StateRoot> {
    const root = await StateRoot.open({
      parent: within,
      log: new SilentLogger(),
      onVanished: (name) => vanished.push(name),
    });
    roots.push(root);
    return root;
  }

  it('names its process, is nobody else’s to read, and is made together with its parents', async () => {
    const root = await open(join(parent, 'not', 'yet'));
    expect(basename(root.path)).toContain(`-${process.pid}-`);
    expect(statSync(root.path).mode & 0o077).toBe(0);
    expect(statSync(await root.makeFolder('pod')).mode & 0o077).toBe(0);
  });

  it('leaves nothing when it is closed', async () => {
    const root = await open();
    writeFileSync(join(await root.makeFolder('pod'), 'file'), 'x');
    await root.close();
    expect(readdirSync(parent)).toEqual([]);
  });

  it('leaves the folders of those alone that live, that never said they lived, and that are no Berth’s', async () => {
    const living = await open();
    const unsaid = living.path.replace(/-[^-]*$/, '-unsaid');
    const strange = join(parent, 'something-else');
    mkdirSync(unsaid);
    mkdirSync(strange);
    const root = await open();
    await root.swept;
    for (const path of [living.path, unsaid, strange]) expect(existsSync(path)).toBe(true);
    expect(existsSync(join(living.path, 'alive.sock'))).toBe(true);
  });

  it('notices a folder that vanishes, and only that', async () => {
    const root = await open();
    const [one, two] = [await root.makeFolder('one'), await root.makeFolder('two')];
    writeFileSync(join(two, 'file'), 'x');
    rmSync(one, { recursive: true });
    await eventually(() => expect(vanished).toContain('one'));
    expect(vanished).not.toContain('two');
  });

  it('notices that all of it has vanished', async () => {
    const root = await open();
    await root.makeFolder('one');
    rmSync(root.path, { recursive: true });
    await eventually(() => expect(vanished).toContain('one'));
  });
});
