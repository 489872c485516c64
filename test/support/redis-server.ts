import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis, type RedisOptions } from 'ioredis';

import { eventually } from './eventually.js';

const MISSING = 'redis-server is not installed: these suites are skipped. Install the Debian package redis-server.';

type KeptFile = string;

/** A real Redis on a port of its own, with an append-only file in a folder of its own. */
export class RedisServer {
  private process?: ChildProcess;
  private guard?: ChildProcess;
  private readonly folder = mkdtempSync(join(tmpdir(), 'berth-redis-'));
  /** The test's own connection, apart from what it tests. */
  readonly admin: Redis;

  private constructor(
    readonly port: number,
    private readonly settings: readonly string[],
    adminOptions: RedisOptions,
  ) {
    const quick = { retryStrategy: () => 10, disconnectTimeout: 50 };
    this.admin = new Redis({ port, host: '127.0.0.1', lazyConnect: true, ...quick, ...adminOptions });
    this.admin.on('error', () => undefined);
  }

  /** `settings` as on the command line of redis-server; `admin` when they ask for a password or TLS. */
  static async start(settings: readonly string[] = [], admin: RedisOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings, admin);
    try {
      await server.startAgain();
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.port };
  }

  private get file(): string {
    return join(this.folder, 'appendonlydir');
  }

  /** On the same data and the same port. */
  async startAgain(): Promise<void> {
    const port = this.settings.includes('--tls-port') ? [] : ['--port', String(this.port)];
    const settings = this.settings.map((word) => word.replace('{port}', String(this.port)));
    const persistent = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''];
    const place = ['--dir', this.folder, '--bind', '127.0.0.1', '--daemonize', 'no', '--repl-diskless-sync-delay', '0'];
    this.process = spawn('redis-server', [...port, ...persistent, ...place, ...settings], { stdio: 'ignore' });
    // However this process ends, the server does not outlive it: the shell reads until nobody holds the other end.
    const { pid } = this.process;
    this.guard = spawn('sh', ['-c', `read _; kill -9 ${pid}`], { stdio: ['pipe', 'ignore', 'ignore'] });
    if (this.admin.status === 'wait') await this.admin.connect().catch(() => undefined);
    // Not with `expect`: a benchmark has none.
    await eventually(async () => {
      if ((await this.admin.ping()) !== 'PONG') throw new Error('Redis does not answer yet');
    });
  }

  /** Another server, which knows nothing, in the place of this one. */
  async startEmpty(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.file, { recursive: true, force: true });
    await this.startAgain();
  }

  /** Its file as it is now, to be gone back to. */
  keepFile(): KeptFile {
    const kept = mkdtempSync(join(this.folder, 'kept-'));
    cpSync(this.file, kept, { recursive: true });
    return kept;
  }

  /** It died, and what was written to its file since then is not there any more. */
  async startFrom(kept: KeptFile): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.file, { recursive: true, force: true });
    cpSync(kept, this.file, { recursive: true });
    await this.startAgain();
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.kill(signal);
    this.process.kill('SIGCONT');
    await gone;
    this.guard?.kill('SIGKILL');
  }

  /** It keeps its connections and answers nothing until `resume`. */
  pause(): void {
    this.process?.kill('SIGSTOP');
  }

  resume(): void {
    this.process?.kill('SIGCONT');
  }

  /** For good, with all it held. */
  async remove(): Promise<void> {
    this.admin.disconnect();
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const redisServer = {
  isThere(): boolean {
    try {
      execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  },
};

/** Cases that need a real Redis: skipped in so many words where there is none, and failed by a build server. */
export function withRedis(define: () => void): void {
  if (redisServer.isThere()) return define();
  if (process.env.CI === 'true') return it('needs redis-server', () => expect(MISSING).toBe('there'));
  process.stderr.write(`${MISSING}\n`);
  it.skip('needs redis-server', () => undefined);
}

/** Redis cannot choose its own port; between this and its start somebody else hardly takes it. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
