import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { short } from '../figures.js';
import { Load } from '../load/load.js';
import { type CpuProfile, type Frame, type Origin, ORIGINS, readProfile } from '../profile/cpu-profile.js';
import { flameGraph } from '../profile/flame-graph.js';
import { SESSIONS } from '../rounds.js';
import type { Stage } from '../stage.js';
import { berth } from '../targets/berth.js';
import { jobFor, SATURATED } from '../workloads.js';
import type { Trial, TrialKind } from './trial.js';

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
    const seconds = isShort ? 1 : 4;
    await load.run(jobFor(SATURATED, ours, { sessions: SESSIONS, warmUpSeconds: isShort ? 0.3 : 2, seconds }));
    const endedMs = performance.now();
    await load.stop();
    await ours.stop();
    const endedBeforeUs = (performance.now() - endedMs) * 1e3;
    const root = readProfile(onlyProfileIn(folder), { lengthUs: seconds * 1e6, endedBeforeUs });
    rmSync(folder, { recursive: true });
    const title = 'Where the time of a small execute goes';
    return {
      title,
      note: 'The JavaScript thread at saturation, by the function that was running. What the kernel does for a request is in the native code.',
      table: [['whose code', 'part of the time', 'most of it in'], ...ORIGINS.map((origin) => rowOf(root, origin))],
      drawing: { file: 'profile.svg', alt: 'Flame graph', svg: flameGraph(title, root) },
    };
  },
};

function onlyProfileIn(folder: string): CpuProfile {
  const files = readdirSync(folder);
  if (files.length !== 1) throw new Error(`there are ${files.length} profiles`);
  return JSON.parse(readFileSync(join(folder, files[0]!), 'utf8')) as CpuProfile;
}

function rowOf(root: Frame, origin: Origin): string[] {
  const byPlace = new Map<string, { name: string; us: number }>();
  for (const { name, url, origin: own, ownUs } of framesOf(root)) {
    const place = `${name} ${url}`;
    if (own === origin) byPlace.set(place, { name, us: (byPlace.get(place)?.us ?? 0) + ownUs });
  }
  const all = [...byPlace.values()].sort((one, other) => other.us - one.us);
  const part = (us: number): string => `${short((us / root.wholeUs) * 100)} %`;
  const most = all.slice(0, NAMED).map(({ name, us }) => `${name} ${part(us)}`);
  return [origin, part(all.reduce((sum, { us }) => sum + us, 0)), most.join(', ')];
}

function framesOf(frame: Frame): Frame[] {
  return [frame, ...[...frame.called.values()].flatMap(framesOf)];
}
