import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import jwt from 'jsonwebtoken';

import { eventually } from '../../../test/support/eventually.js';
import { freePort } from '../../../test/support/kubernetes/free-port.js';
import { startCommand } from '../../../test/support/start-command.js';
import { pinned, startLogging, stop } from '../programs.js';
import type { Target, Way } from '../target.js';

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
  /** As `way`, to a session of any name. */
  wayTo(id: string, podPath: string): Way;
}

export interface LaunchOptions {
  settings?: NodeJS.ProcessEnv;
  /** For Node itself, as `--cpu-prof`. */
  flags?: readonly string[];
}

export interface BerthOptions extends LaunchOptions {
  sessions: number;
}

export interface Launched {
  child: ChildProcess;
  port: number;
  url: string;
  metricsUrl: string;
  /** By this process's own clock. */
  launchedMs: number;
}

/** The built product as a process that has just begun. */
export async function launch({ settings, flags = [] }: LaunchOptions): Promise<Launched> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const [port, metricsPort] = [await freePort(), await freePort()];
  const own = settings ?? processesAsPods(folder);
  const launchedMs = performance.now();
  const child = startLogging('proxy', [process.execPath, ...flags, ...startCommand()], folder, {
    PATH: process.env.PATH,
    TMPDIR: folder,
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    BIND_ADDRESS: '127.0.0.1',
    AUTH_TOKEN_SECRET: SECRET,
    ...own,
  });
  const [url, metricsUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${metricsPort}/metrics`];
  return { child, port, url, metricsUrl, launchedMs };
}

/** One replica of the built product; sessions `bench-0` and so on are open and ready. */
export async function berth({ sessions, ...options }: BerthOptions): Promise<BerthTarget> {
  const { child, port, url, metricsUrl } = await launch(options);
  const headers = {
    authorization: `Bearer ${jwt.sign({ scope: 'berth:admin' }, SECRET, { subject: 'bench', expiresIn: '1d' })}`,
  };
  await eventually(() => expectOk(fetch(`${url}/health/ready`)), READY_MS);
  const open = (id: string): Promise<string> => openSession(url, headers, id);
  const addresses: string[] = [];
  for (let at = 0; at < sessions; at += 1) addresses.push(await open(`bench-${at}`));
  const wayTo = (id: string, podPath: string): Way => ({ host: '127.0.0.1', port, path: pathTo(id, podPath) });
  return {
    name: 'Berth',
    pid: child.pid!,
    pids: [child.pid!],
    url,
    metricsUrl,
    headers,
    addresses,
    open,
    wayTo,
    way: (session, podPath) => wayTo(`bench-${session % sessions}`, podPath),
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
