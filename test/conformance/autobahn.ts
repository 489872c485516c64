import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CLIENT = join(__dirname, 'fuzzing-client.py');
const MOST_OUTPUT_BYTES = 16 * 1_024 * 1_024;

/** Where its client connects to. */
export interface Server {
  agent: string;
  url: string;
  protocols: string[];
}

/** By case: what the suite thinks of what it received, of how it was closed, and the close code that came. */
export type Verdicts = Record<string, string>;

interface CaseResult {
  behavior: string;
  behaviorClose: string;
  remoteCloseCode: number | null;
}

/** Runs these cases of the suite against each server in turn, and gives the verdicts by server. */
export async function runAutobahn(
  folder: string,
  servers: readonly Server[],
  { cases, limitMs }: { cases: readonly string[]; limitMs: number },
): Promise<Record<string, Verdicts>> {
  const [spec, outdir] = [join(folder, 'spec.json'), join(folder, 'reports')];
  const asked = servers.map((server) => ({ ...server, options: { version: 18 } }));
  writeFileSync(
    spec,
    JSON.stringify({ servers: asked, outdir, cases, 'exclude-cases': [], 'exclude-agent-cases': {} }),
  );
  const home = process.env.AUTOBAHN_HOME!;
  const java = [`-Dpython.path=${join(home, 'suite')}`, '-Dpython.cachedir.skip=true', '-cp', join(home, 'jython.jar')];
  await run('java', [...java, 'org.python.util.jython', CLIENT, spec], {
    maxBuffer: MOST_OUTPUT_BYTES,
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  const results = JSON.parse(readFileSync(join(outdir, 'index.json'), 'utf8')) as Record<string, object>;
  return mapped(results, (ofServer) => mapped(ofServer as Record<string, CaseResult>, verdictOf));
}

function verdictOf({ behavior, behaviorClose, remoteCloseCode }: CaseResult): string {
  return `${behavior}, close ${behaviorClose} with ${remoteCloseCode}`;
}

function mapped<From, To>(all: Record<string, From>, change: (one: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(all).map(([key, one]) => [key, change(one)]));
}
