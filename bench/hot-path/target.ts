/** One way to one backend. */
export interface Way {
  host: string;
  port: number;
  path: string;
}

/** Something to send requests to: a proxy, or the backends themselves. */
export interface Target {
  readonly name: string;
  /** The processes whose CPU time is the target's; none for the backends themselves. */
  readonly pids: readonly number[];
  readonly headers: Readonly<Record<string, string>>;
  /** To this path of the backend of this session. */
  way(session: number, podPath: string): Way;
  stop(): Promise<void>;
}
