/** The load generator: a process of its own that does one job after the other and tells what came of it. */
import { setTimeout as pause } from 'node:timers/promises';

import type { Job, Outcome } from './job.js';
import { closed, open } from './requests.js';
import { events, messages } from './streams.js';
import { Tally } from './tally.js';

function begin(job: Job, tally: Tally): () => void {
  switch (job.kind) {
    case 'closed':
      return closed(job, tally);
    case 'paced':
      return open(job, tally);
    case 'events':
      return events(job, tally);
    case 'messages':
      return messages(job, tally);
  }
}

async function carryOut(job: Job): Promise<Outcome> {
  const tally = new Tally(job.pids);
  const stop = begin(job, tally);
  await pause(job.warmUpSeconds * 1_000);
  tally.begin();
  await pause(job.seconds * 1_000);
  const outcome = tally.end();
  stop();
  return outcome;
}

process.on('message', (job: Job) => void carryOut(job).then((outcome) => process.send!(outcome)));
process.on('disconnect', () => process.exit(0));
