import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { short } from '../figures.js';
import { Load } from '../load/load.js';
import { type CpuProfile, type Frame, type Origin, ORIGINS, readProfile } from '../profile/cpu-profile.js';
import { flameGraph } from '../profile/flame-graph.js';
import { SESSIONS } from '../rounds.js';
import type { Stage } from '../stage.js';
import { berth } from '../targets/berth.js';
import { jobFor, WORKLOADS } from '../workloads.js';
import type { Trial, TrialKind } from './trial.js';

const SATURATED = WORKLOADS.find(({ id }) => id === 'execute-saturated')!;
const EVERY_US = 200;
const NAMED = 4;

/** Where the time of a small request goes. A profiler takes some of it for itself, so nothing else is measured here. */
export const profile: TrialKind = {
  id: 'profile',
  async run(stage: Stage, isShort: boolean): Promise<Trial> {
    const folder = mkdtempSync(join(tmpdir(), 'berth-profile-'));
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${EVERY_US}`];
    const ours = await berth({ sessions: SESSIONS, settings: stage.settings, flags });
    const load = new Load();
    const seconds = isShort ? 1 : 6;
    await load.run(jobFor(SATURATED, ours, { sessions: SESSIONS, warmUpSeconds: isShort ? 0.3 : 4, seconds }));
    await load.stop();
    await ours.stop();
    const [file] = readdirSync(folder);
    const root = readProfile(JSON.parse(readFileSync(join(folder, file!), 'utf8')) as CpuProfile, seconds * 1e6);
    const title = 'Where the time of a small execute goes';
    return {
      title,
      note: 'The JavaScript thread at saturation, by the function that was running. What the kernel does for a request is in the native code.',
      table: [['whose code', 'part of the time', 'most of it in'], ...ORIGINS.map((origin) => rowOf(root, origin))],
      drawing: { file: 'profile.svg', alt: 'Flame graph', svg: flameGraph(title, root) },
    };
  },
};

function rowOf(root: Frame, origin: Origin): string[] {
  const byName = new Map<string, number>();
  for (const frame of framesOf(root)) {
    if (frame.origin === origin) byName.set(frame.name, (byName.get(frame.name) ?? 0) + frame.ownUs);
  }
  const all = [...byName].sort(([, one], [, other]) => other - one);
  const part = (us: number): string => `${short((us / root.wholeUs) * 100)} %`;
  const most = all.slice(0, NAMED).map(([name, us]) => `${name} ${part(us)}`);
  return [origin, part(all.reduce((sum, [, us]) => sum + us, 0)), most.join(', ')];
}

function framesOf(frame: Frame): Frame[] {
  return [frame, ...[...frame.called.values()].flatMap(framesOf)];
}
