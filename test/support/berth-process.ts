import { BerthClient, TOKEN_SECRET } from './berth-client.js';
import { eventually } from './eventually.js';
import { Launched, logLines, type Environment, type Exit, type LogLine } from './launched.js';
import { descendants, leaves, type ProcessId } from './processes.js';

/** A running Berth, and a user's tools for it. */
export class BerthProcess extends BerthClient {
  constructor(
    private readonly launched: Launched,
    ports: { port: number; metricsPort: number },
    ca?: string,
  ) {
    const scheme = ca === undefined ? 'http' : 'https';
    super(`${scheme}://127.0.0.1:${ports.port}`, `http://127.0.0.1:${ports.metricsPort}`, ca);
  }

  get pid(): number {
    return this.launched.pid;
  }

  /** Where it and its pods put temporary files. */
  get folder(): string {
    return this.launched.folder;
  }

  output(): string {
    return this.launched.output;
  }

  logLines(): LogLine[] {
    return logLines(this.output());
  }

  /** The processes of its pods. */
  pods(): ProcessId[] {
    return leaves(this.pid);
  }

  /** Everything that it has started. */
  processes(): ProcessId[] {
    return descendants(this.pid);
  }

  async metrics(): Promise<string> {
    return (await this.call('GET', `${this.metricsUrl}/metrics`)).text;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Nobody reads its log from now on. */
  stopReading(): void {
    this.launched.stopReading();
  }

  /** Asks it to stop (SIGTERM) and waits until it has. */
  async stop(): Promise<Exit> {
    const exit = await this.launched.end('SIGTERM');
    await this.close();
    return exit;
  }

  async kill9(): Promise<Exit> {
    const exit = await this.launched.end('SIGKILL');
    await this.close();
    return exit;
  }
}

/** Starts the built product as a user would and waits until it is ready; rejects with its output when it ends first. */
export async function startBerth(settings: Environment = {}, ca?: string): Promise<BerthProcess> {
  const berth = await launchBerth(settings, ca);
  await untilReady(berth);
  return berth;
}

export async function untilReady(berth: BerthProcess, limitMs?: number): Promise<void> {
  await eventually(async () => {
    expect(await berth.call('GET', '/health/ready')).toMatchObject({ status: 200 });
  }, limitMs);
}

/** As soon as it listens: it may never be ready. `ca`: it speaks TLS. */
export async function launchBerth(settings: Environment = {}, ca?: string): Promise<BerthProcess> {
  const launched = new Launched({ AUTH_TOKEN_SECRET: TOKEN_SECRET, ...settings });
  const listening = await launched.find((line) => line.event === 'listening');
  return new BerthProcess(launched, listening as { port: number; metricsPort: number }, ca);
}

/** Starts it with settings that it has to refuse, and gives what it said. */
export async function refusedStart(settings: Environment): Promise<Exit & { output: string }> {
  const launched = new Launched(settings);
  const exit = await launched.exit;
  return { ...exit, output: launched.output };
}
