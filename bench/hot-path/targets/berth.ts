import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import jwt from 'jsonwebtoken';

import { eventually } from '../../../test/support/eventually.js';
import { freePort } from '../../../test/support/kubernetes/free-port.js';
import { pinned, startLogging, stop } from '../programs.js';
import type { Target } from '../target.js';

const MAIN = join(process.cwd(), 'dist/main.js');
const BACKEND = join(process.cwd(), 'bench/hot-path/backend.mjs');
const SECRET = 'a secret of the bench that is long enough for HS256';
const READY_MS = 60_000;

export interface BerthTarget extends Target {
  readonly url: string;
  readonly metricsUrl: string;
  readonly pid: number;
  /** host:port of the pod of each session. */
  readonly addresses: readonly string[];
  open(id: string): Promise<string>;
}

export interface BerthOptions {
  sessions: number;
  settings?: NodeJS.ProcessEnv;
  /** For Node itself, as `--cpu-prof`. */
  flags?: readonly string[];
}

/** One replica of the built product; sessions `bench-0` and so on are open and ready. */
export async function berth({ sessions, settings, flags = [] }: BerthOptions): Promise<BerthTarget> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const [port, metricsPort] = [await freePort(), await freePort()];
  const own = settings ?? processesAsPods(folder);
  const child = startLogging('proxy', [process.execPath, ...flags, MAIN], folder, {
    PATH: process.env.PATH,
    TMPDIR: folder,
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    BIND_ADDRESS: '127.0.0.1',
    AUTH_TOKEN_SECRET: SECRET,
    ...own,
  });
  const url = `http://127.0.0.1:${port}`;
  const headers = {
    authorization: `Bearer ${jwt.sign({ scope: 'berth:admin' }, SECRET, { subject: 'bench', expiresIn: '1d' })}`,
  };
  await eventually(() => expectOk(fetch(`${url}/health/ready`)), READY_MS);
  const open = (id: string): Promise<string> => openSession(url, headers, id);
  const addresses: string[] = [];
  for (let at = 0; at < sessions; at += 1) addresses.push(await open(`bench-${at}`));
  return {
    name: 'Berth',
    pid: child.pid!,
    pids: [child.pid!],
    url,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    headers,
    addresses,
    open,
    way: (session, podPath) => ({ host: '127.0.0.1', port, path: pathTo(`bench-${session % sessions}`, podPath) }),
    stop: () => stop(child),
  };
}

/** A small JSON execute is what Berth has a route of its own for. */
function pathTo(id: string, podPath: string): string {
  return podPath === '/execute' ? `/api/v1/session/${id}/execute` : `/api/v1/session/${id}/proxy${podPath}`;
}

function processesAsPods(folder: string): NodeJS.ProcessEnv {
  const templates = join(folder, 'templates.yaml');
  const command = pinned('load', [process.execPath, BACKEND]);
  writeFileSync(templates, JSON.stringify({ templates: { default: { command, healthPath: '/health' } } }));
  return { RUNTIME: 'process', STORE: 'memory', TEMPLATES_PATH: templates };
}

async function openSession(url: string, headers: Record<string, string>, id: string): Promise<string> {
  await expectOk(fetch(`${url}/api/v1/session/${id}/execute`, { method: 'POST', headers, body: '{}' }));
  const status = await expectOk(fetch(`${url}/api/v1/session/${id}/status`, { headers }));
  return ((await status.json()) as { pod: { address: string } }).pod.address;
}

async function expectOk(asked: Promise<Response>): Promise<Response> {
  const answer = await asked;
  if (!answer.ok) throw new Error(`Berth answered ${answer.status}: ${await answer.text()}`);
  return answer;
}
