import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

import type { Logger } from '../../../platform/logger.js';

/** Other machines may share the parent folder; what they left cannot be judged from here, so their names differ. */
const PREFIX = `berth-pods-${createHash('sha256').update(hostname()).digest('hex').slice(0, 8)}-`;
const SIGN_OF_LIFE = 'alive.sock';

export interface StateRootOptions {
  parent: string;
  log: Logger;
  /** A state folder may have vanished: look. */
  onVanished: (folderName: string) => void;
}

/**
 * The folder of this Berth process, with a state folder for each of its pods. A Berth that is killed leaves its folder
 * behind; the next one sweeps it. Which ones are left over is told by a socket in each, answered as long as its Berth
 * lives: unlike a process id it is never somebody else's, and it holds between containers that share the parent folder.
 * A folder without such a socket is never touched.
 */
export class StateRoot {
  private constructor(
    readonly path: string,
    private readonly log: Logger,
    private readonly alive: Server | undefined,
    private readonly watcher: FSWatcher | undefined,
    /** Resolves when what dead Berths left is gone. */
    readonly swept: Promise<void>,
  ) {}

  static async open({ parent, log, onVanished }: StateRootOptions): Promise<StateRoot> {
    await mkdir(parent, { recursive: true });
    const path = await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
    const alive = await showLife(path, log);
    const watcher = watchFolders(path, log, onVanished);
    return new StateRoot(path, log, alive, watcher, sweep(parent, path, log));
  }

  async makeFolder(name: string): Promise<string> {
    const folder = join(this.path, name);
    await mkdir(folder, { mode: 0o700 });
    return folder;
  }

  removeFolder(folder: string): Promise<void> {
    return remove(folder, this.log);
  }

  async close(): Promise<void> {
    await this.swept;
    this.watcher?.close();
    this.alive?.close();
    await remove(this.path, this.log);
  }
}

function watchFolders(path: string, log: Logger, onVanished: (folderName: string) => void): FSWatcher | undefined {
  const unwatched = (error: unknown): void =>
    log.warn(
      { event: 'process_runtime.folders_unwatched', error },
      'vanished state folders are noticed at restarts only',
    );
  try {
    const watcher = watch(path, { persistent: false }, (_event, name) => {
      // A name that is no folder of a pod (the root's own, when all of it vanishes) concerns every pod.
      if (name === null || !existsSync(join(path, name))) onVanished(name ?? basename(path));
    });
    return watcher.on('error', unwatched);
  } catch (error) {
    unwatched(error);
    return undefined;
  }
}

function showLife(path: string, log: Logger): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      log.warn(
        { event: 'process_runtime.unsweepable', path, error },
        'this folder will not be swept if Berth is killed',
      );
      resolve(undefined);
    });
    server.listen(join(path, SIGN_OF_LIFE), () => resolve(server.unref()));
  });
}

async function sweep(parent: string, own: string, log: Logger): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((found) => found.startsWith(PREFIX) && found !== basename(own))) {
    const path = join(parent, name);
    if (!(await isLeftOver(path))) continue;
    log.info({ event: 'process_runtime.swept', path }, 'removes what a killed Berth left behind');
    await remove(path, log);
  }
}

/** Only a socket that is there and that nobody answers is the sign of a Berth that was killed. */
function isLeftOver(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(join(path, SIGN_OF_LIFE));
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: Error & { code?: string }) => resolve(error.code === 'ECONNREFUSED'));
  });
}

async function remove(path: string, log: Logger): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
      removeClosed(path, error),
    );
  } catch (error) {
    log.warn({ event: 'process_runtime.folder_left', path, error }, 'a state folder could not be removed');
  }
}

/** A pod may have taken the right to write from its own folders, as Go's module cache does. */
async function removeClosed(path: string, error: unknown): Promise<void> {
  if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
  await promisify(execFile)('chmod', ['-R', 'u+rwX', path]);
  await rm(path, { recursive: true, force: true });
}
