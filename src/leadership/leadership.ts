/** Work that only the leader does. `run` begins when this replica leads and must return soon after the signal. */
export interface LeaderTask {
  readonly name: string;
  run(whileLeading: AbortSignal): Promise<void>;
}

export interface LeadershipStatus {
  isLeader: boolean;
  /** Who leads, as far as this replica knows. */
  leader?: string;
  /** How long ago the leader was last seen to renew. */
  renewedMsAgo?: number;
}

/**
 * Chooses one replica of all. A lease does not fence: a paused leader may wake up believing that it leads, so every
 * leader task has to be harmless then (idempotent, and through compare-and-set).
 */
export abstract class Leadership {
  /** Before `start`. A task that throws is run again after a pause while this replica leads. */
  abstract add(task: LeaderTask): void;
  /** Before `start`. While this says no, the work of a leader cannot be done here: the lead is left to others that want it. */
  abstract standWhile(isFit: () => boolean): void;
  abstract status(): LeadershipStatus;
  abstract start(): Promise<void>;
  /** Signals the tasks, waits for them to return, then gives up the lead. */
  abstract stop(): Promise<void>;
}
