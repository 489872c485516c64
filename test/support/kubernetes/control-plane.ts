import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { ApiClient } from './api-client.js';
import {
  apiServerArguments,
  controllerManagerArguments,
  etcdArguments,
  QUOTA_AND_GARBAGE,
} from './control-plane-arguments.js';
import { makeControlPlaneFolder, type ControlPlaneFolder } from './control-plane-folder.js';
import { freePort } from './free-port.js';
import { exited, hasExited, startGuarded, startSweeper } from './guarded.js';
import { RunningControlPlane } from './running-control-plane.js';

const START_LIMIT_MS = 60_000;
const POLL_MS = 20;
const LAST_OF_LOG = 4_000;
/** Memory is what there is enough of: with this a start takes two thirds of the CPU. */
const SELDOM_COLLECTED = { GOGC: '400' };

export interface ControlPlaneOptions {
  /** The folder of the binaries. */
  assets: string;
  /** The kube-controller-manager with these controllers; true: quota status and garbage collection. */
  controllerManager?: boolean | readonly string[];
}

/** A real etcd and a real API server of one's own, which can be killed, frozen and started again on the same data. */
export class ControlPlane extends RunningControlPlane {
  private readonly sweeper: ChildProcess;
  private readonly files: ControlPlaneFolder;
  private etcd?: ChildProcess;
  private apiServer?: ChildProcess;
  private controllers?: ChildProcess;

  constructor(
    private readonly options: ControlPlaneOptions,
    private readonly port: number,
  ) {
    const files = makeControlPlaneFolder();
    super({ folder: files.path, url: `https://127.0.0.1:${port}`, assets: options.assets });
    this.files = files;
    this.sweeper = startSweeper(files.path);
  }

  async start(): Promise<void> {
    await this.startEtcd();
    await this.startApiServer();
    this.startControllers();
  }

  /** With the data that etcd has; ready when it returns. */
  async startApiServer(): Promise<void> {
    const child = this.run('kube-apiserver', apiServerArguments(this.files, this.port));
    this.apiServer = child;
    // The certificate is made at the first start; only then can anybody connect.
    await this.until('kube-apiserver', child, () => existsSync(this.certificate.certFile));
    const client = new ApiClient(this.kubeconfig('admin'));
    const isReady = async (): Promise<boolean> => (await client.text('/readyz')) === 'ok';
    await this.until('kube-apiserver', child, isReady).finally(() => client.close());
  }

  async killApiServer(): Promise<void> {
    this.apiServer?.kill('SIGKILL');
    if (this.apiServer) await exited(this.apiServer);
  }

  pauseApiServer(): void {
    this.apiServer?.kill('SIGSTOP');
  }

  resumeApiServer(): void {
    this.apiServer?.kill('SIGCONT');
  }

  /**
   * etcd forgets every earlier revision. The API server still answers from its own memory of recent changes; only
   * when it has been started again as well, a watch from an earlier resourceVersion gets 410.
   */
  async compact(): Promise<void> {
    const { header } = await this.askEtcd<{ header: { revision: string } }>('/v3/kv/range', { key: 'AA==' });
    await this.askEtcd('/v3/kv/compaction', { revision: header.revision, physical: true });
  }

  async stop(): Promise<void> {
    const children = [this.controllers, this.apiServer, this.etcd].filter((child) => child !== undefined);
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(exited));
    this.sweeper.kill('SIGKILL');
    await rm(this.files.path, { recursive: true, force: true, maxRetries: 3 });
  }

  private async startEtcd(): Promise<void> {
    const child = this.run('etcd', etcdArguments());
    this.etcd = child;
    await this.until('etcd', child, async () => Boolean(await this.askEtcd('/v3/maintenance/status', {})));
  }

  private startControllers(): void {
    const { controllerManager } = this.options;
    if (!controllerManager) return;
    const controllers = controllerManager === true ? QUOTA_AND_GARBAGE : controllerManager;
    const args = controllerManagerArguments(this.kubeconfig('admin'), controllers);
    this.controllers = this.run('kube-controller-manager', args);
  }

  private run(part: string, args: readonly string[]): ChildProcess {
    const log = openSync(this.logOf(part), 'a');
    const command = [join(this.options.assets, part), ...args];
    const env = { ...process.env, ...SELDOM_COLLECTED };
    const child = startGuarded(command, { env, cwd: this.files.path, output: log });
    closeSync(log);
    return child;
  }

  private logOf(part: string): string {
    return join(this.files.path, `${part}.log`);
  }

  private async until(part: string, child: ChildProcess, holds: () => boolean | Promise<boolean>): Promise<void> {
    const giveUpAtMs = performance.now() + START_LIMIT_MS;
    while (!hasExited(child) && performance.now() < giveUpAtMs) {
      if (await Promise.resolve(holds()).catch(() => false)) return;
      await pause(POLL_MS);
    }
    const log = readFileSync(this.logOf(part), 'utf8').slice(-LAST_OF_LOG);
    throw new Error(`${part} did not come up. The end of its log:\n${log}`);
  }

  private askEtcd<T>(path: string, body: object): Promise<T> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: this.files.etcdSocket, path, method: 'POST', timeout: 5_000 }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () =>
          response.statusCode === 200 ? resolve(JSON.parse(text) as T) : reject(new Error(text)),
        );
      });
      call.once('error', reject).once('timeout', () => call.destroy(new Error('etcd does not answer')));
      call.end(JSON.stringify(body));
    });
  }
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const controlPlane = new ControlPlane(options, await freePort());
  try {
    await controlPlane.start();
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
  return controlPlane;
}
