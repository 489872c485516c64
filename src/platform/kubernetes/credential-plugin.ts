/** Credentials that a program hands out (`exec` of a kubeconfig; `aws eks get-token` is one), kept for as long as it says. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { z } from 'zod';

import { pluginEnvironment } from '../../config/environment.js';
import type { CredentialPlugin } from './kubeconfig.js';

const LIMIT_MS = 30_000;
/** What would expire on its way is asked for anew. */
const MARGIN_MS = 10_000;
const LONGEST_ANSWER_BYTES = 1_000_000;

export interface Credentials {
  token?: string;
  certificate?: string;
  key?: string;
}

const answerSchema = z.object({
  kind: z.literal('ExecCredential'),
  status: z.object({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.string().optional(),
  }),
});

export class PluginCredentials {
  private credentials?: Credentials;
  private goodUntilMs = 0;
  private asking?: Promise<Credentials>;

  constructor(
    private readonly plugin: CredentialPlugin,
    /** What the plugin is told of the cluster, where it wants to know. */
    private readonly aboutCluster: () => object,
  ) {}

  /** However many want them, the program runs once. */
  current(): Promise<Credentials> {
    if (this.credentials && Date.now() < this.goodUntilMs) return Promise.resolve(this.credentials);
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** They were refused: the next call brings others. */
  forget(): void {
    this.credentials = undefined;
  }

  private async ask(): Promise<Credentials> {
    const { command, args, env } = this.plugin;
    const running = promisify(execFile)(command, args, {
      env: { ...pluginEnvironment(), ...env, KUBERNETES_EXEC_INFO: JSON.stringify(this.question()) },
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: LONGEST_ANSWER_BYTES,
    });
    running.child.stdin?.end(); // there is nobody to ask
    // Without its cause: that quotes the whole command, and arguments may be secrets.
    const { stdout } = await running.catch((error: unknown) => {
      throw new Error(`${command} handed out no credentials: ${reasonOf(error)}`);
    });
    const { status } = understood(command, stdout);
    const { token, clientCertificateData: certificate, clientKeyData: key, expirationTimestamp } = status;
    this.goodUntilMs = expirationTimestamp ? Date.parse(expirationTimestamp) - MARGIN_MS : Infinity;
    this.credentials = { token, certificate, key };
    return this.credentials;
  }

  private question(): object {
    const cluster = this.plugin.wantsCluster ? { cluster: this.aboutCluster() } : {};
    return {
      apiVersion: this.plugin.apiVersion,
      kind: 'ExecCredential',
      spec: { interactive: false, ...cluster },
    };
  }
}

/** What it printed may hold a secret and is never repeated. */
function understood(command: string, text: string): z.output<typeof answerSchema> {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`${command} printed something that is no JSON where credentials were expected`);
  }
  const parsed = answerSchema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new Error(`${command} printed no ExecCredential with a status`);
}

interface ExecFailure {
  message: string;
  /** Of its exit; a word when it did not start. */
  code?: number | string;
  killed?: boolean;
  stderr?: string;
}

/** What a program says on its standard error is for people. */
function reasonOf(error: unknown): string {
  const { stderr, killed, code, message } = error as ExecFailure;
  if (killed) return `it took longer than ${LIMIT_MS / 1_000} s`;
  return stderr?.trim() || (typeof code === 'number' ? `it ended with code ${code}` : message);
}
