import { type ChildProcess, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { Agent, request } from 'undici';

import { eventually } from '../eventually.js';
import { certificateFor } from '../gateway/certificate.js';
import { freePort } from '../kubernetes/free-port.js';
import { exited, startGuarded } from '../kubernetes/guarded.js';

const ROOT = join(__dirname, '..', '..', '..');
const MISSING = 3;
const PLUGIN = 'vault-plugin-auth-kubernetes';
const DEADLINE_MS = 10_000;
const UP_MS = 30_000;

type Json = Record<string, unknown>;

function partOrNone(part: string): string | undefined {
  const { status, stdout, stderr } = spawnSync('scripts/vault-part', [part], { cwd: ROOT, encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  if (status !== MISSING || process.env.CI) throw new Error(stderr);
  console.warn(`What needs Vault is not tried: ${stderr}`);
  return undefined;
}

/** Built where it has to be, which takes minutes the first time; where there is no Go either, there is none. */
const vault = partOrNone('vault');

/** A suite that needs a Vault: skipped in so many words where there is none, failed by a build server. */
export const describeWithVault = vault === undefined ? describe.skip : describe;

/** A real Vault by TLS, with its data in a folder of its own: it can be sealed, stopped and started again. */
export class VaultServer {
  readonly url: string;
  readonly caPath: string;
  token = '';
  private unsealKey = '';
  private process?: ChildProcess;
  private readonly agent: Agent;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly clusterPort: number,
  ) {
    this.url = `https://127.0.0.1:${port}`;
    const { cert, key } = certificateFor('127.0.0.1');
    this.caPath = join(folder, 'vault.crt');
    writeFileSync(this.caPath, cert);
    writeFileSync(join(folder, 'vault.key'), key);
    this.agent = new Agent({ connect: { ca: cert }, headersTimeout: DEADLINE_MS, bodyTimeout: DEADLINE_MS });
  }

  static async start(): Promise<VaultServer> {
    const server = new VaultServer(mkdtempSync(join(tmpdir(), 'berth-vault-')), await freePort(), await freePort());
    try {
      server.configure();
      await server.launch();
      const { keys_base64: keys, root_token: token } = await server.call('PUT', 'sys/init', {
        secret_shares: 1,
        secret_threshold: 1,
      });
      server.unsealKey = (keys as string[])[0]!;
      server.token = token as string;
      await server.unseal();
      return server;
    } catch (error) {
      const log = readFileSync(join(server.folder, 'log'), 'utf8').slice(-2_000);
      await server.remove();
      throw new Error(`Vault did not come up. The end of its log:\n${log}`, { cause: error });
    }
  }

  /** What is said with the root token, or another; the tests' own way. */
  async call(method: string, path: string, body?: Json, token = this.token): Promise<Json> {
    const { statusCode, body: answer } = await request(`${this.url}/v1/${path}`, {
      dispatcher: this.agent,
      method: method as 'GET',
      headers: { 'x-vault-token': token, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (statusCode >= 300) throw new Error(`Vault answers ${method} ${path} with ${statusCode}: ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Json);
  }

  /** A new version of a secret. */
  async put(path: string, fields: Json): Promise<void> {
    await this.call('POST', `secret/data/${path}`, { data: fields });
  }

  async seal(): Promise<void> {
    await this.call('PUT', 'sys/seal');
  }

  async unseal(): Promise<void> {
    await this.call('PUT', 'sys/unseal', { key: this.unsealKey });
    // Unsealed and active are two things.
    await eventually(() => this.call('GET', 'sys/health'), UP_MS);
  }

  async stop(): Promise<void> {
    this.process?.kill('SIGKILL');
    if (this.process) await exited(this.process);
  }

  /** On the same data and the same port. It comes up sealed. */
  async startAgain(): Promise<void> {
    await this.launch();
  }

  /** The environment in which `scripts/vault-configure` speaks to it. */
  get environment(): Record<string, string> {
    return { PATH: process.env.PATH ?? '', VAULT_ADDR: this.url, VAULT_CACERT: this.caPath, VAULT_TOKEN: this.token };
  }

  /** The login for Kubernetes, which the vendor's own build has inside. */
  async addKubernetesLogin(): Promise<string> {
    const sha256 = createHash('sha256').update(readFileSync(this.plugin)).digest('hex');
    await this.call('PUT', `sys/plugins/catalog/auth/${PLUGIN}`, { sha_256: sha256, command: PLUGIN });
    return PLUGIN;
  }

  async remove(): Promise<void> {
    await this.stop();
    await this.agent.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get plugin(): string {
    return partOrNone(PLUGIN)!;
  }

  private configure(): void {
    mkdirSync(join(this.folder, 'data'));
    const certificate = { tls_cert_file: this.caPath, tls_key_file: join(this.folder, 'vault.key') };
    const cluster = `127.0.0.1:${this.clusterPort}`;
    const settings = {
      storage: { raft: { path: join(this.folder, 'data'), node_id: 'one', performance_multiplier: '1' } },
      listener: [{ tcp: { address: `127.0.0.1:${this.port}`, cluster_address: cluster, ...certificate } }],
      api_addr: this.url,
      cluster_addr: `https://${cluster}`,
      disable_mlock: true,
      plugin_directory: dirname(this.plugin),
    };
    writeFileSync(join(this.folder, 'vault.json'), JSON.stringify(settings));
  }

  private async launch(): Promise<void> {
    const output = openSync(join(this.folder, 'log'), 'a');
    const command = [vault!, 'server', `-config=${join(this.folder, 'vault.json')}`];
    this.process = startGuarded(command, { cwd: this.folder, output, env: { PATH: process.env.PATH } });
    closeSync(output);
    await eventually(() => this.call('GET', 'sys/seal-status'), UP_MS);
  }
}
