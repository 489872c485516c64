import type { MakeCheck } from './check.js';

/** Whoever removes the Lease by hand makes it free at once, whatever its holder was promised: that term may still run. */
export const oneLeader: MakeCheck = (world, violated) => ({
  settled() {
    if (world.time.nowMs < world.leaseRemovedAtMs + world.setting.lease.renewDeadlineMs) return;
    let leading: string | undefined;
    for (const { run } of world.replicas) {
      if (!run?.process.isRunning || !run.isActingAsLeader) continue;
      if (leading !== undefined) violated(`${leading} and ${run.name} both act as leader`);
      leading = run.name;
    }
  },
});

export const onlyLeadersWork: MakeCheck = (_world, violated) => ({
  leaderAsked(run) {
    if (!run.leadership.status().isLeader) violated(`${run.name} does a leader's work and does not lead`);
  },
});
