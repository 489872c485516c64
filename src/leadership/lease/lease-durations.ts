export interface LeaseDurations {
  /** How long the others wait after the last renewal they saw. Short: a slow API server costs the lead. Long: so does
   * a dead leader, in time without one. */
  leaseMs: number;
  /** How long a leader goes on without a renewal. What is left of the lease then is what its tasks have to return. */
  renewDeadlineMs: number;
  /** How often a leader renews, and the least pause after a failure. */
  retryMs: number;
}

/** A pause after a failure is up to so much longer, by chance. */
export const RETRY_JITTER = 1.2;

/** Why these durations would not do, a sentence for each fault. They are named as the settings are. */
export function durationFaults({ leaseMs, renewDeadlineMs, retryMs }: LeaseDurations): string[] {
  const faults: string[] = [];
  if (!(retryMs > 0)) {
    faults.push(`LEASE_RETRY_SECONDS (${retryMs / 1_000}) has to be greater than 0: it is the pause between renewals.`);
  }
  if (!(renewDeadlineMs > retryMs * RETRY_JITTER)) {
    faults.push(
      `LEASE_RENEW_DEADLINE_SECONDS (${renewDeadlineMs / 1_000}) has to be more than ${RETRY_JITTER} times ` +
        `LEASE_RETRY_SECONDS (${retryMs / 1_000}): else one failed renewal costs the lead.`,
    );
  }
  if (!(leaseMs > renewDeadlineMs)) {
    faults.push(
      `LEASE_DURATION_SECONDS (${leaseMs / 1_000}) has to be greater than LEASE_RENEW_DEADLINE_SECONDS ` +
        `(${renewDeadlineMs / 1_000}): else another leads while the tasks of the last leader still return.`,
    );
  }
  if (!(leaseMs >= 1_000 && Number.isInteger(leaseMs / 1_000))) {
    faults.push(
      `LEASE_DURATION_SECONDS (${leaseMs / 1_000}) has to be a whole number of seconds, at least 1: ` +
        `a Lease can hold nothing else.`,
    );
  }
  return faults;
}
