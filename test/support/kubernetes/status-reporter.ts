import { setTimeout as pause } from 'node:timers/promises';

import { ApiRefusal, type ApiClient } from './api-client.js';
import { apiTime, podPath, type ApiPod } from './api-pod.js';
import { conditionsOf, statusPatch, type Condition, type PodFacts } from './pod-status-report.js';

const RETRY_MS = 100;
const STRATEGIC = 'application/strategic-merge-patch+json';

export interface ReporterParts {
  client: ApiClient;
  hostIP: string;
  /** Resolves at once unless the node is lost: nothing is said from a lost node. */
  untilThere(): Promise<void>;
}

/** Tells the API server of one pod: the latest facts, one call at a time, again until it has them. */
export class StatusReporter {
  private readonly transitions = new Map<string, { status: string; at: Date }>();
  private wanted?: PodFacts;
  private sending?: Promise<void>;
  private isOver = false;

  constructor(
    private readonly pod: ApiPod,
    private readonly parts: ReporterParts,
  ) {}

  report(facts: PodFacts): void {
    this.wanted = structuredClone(facts);
    this.sending ??= this.send().finally(() => (this.sending = undefined));
  }

  /** Until all that has been reported is known to the API server, or nobody wants to know. */
  async flush(): Promise<void> {
    await this.sending;
  }

  /** The pod is gone. */
  stop(): void {
    this.isOver = true;
  }

  private async send(): Promise<void> {
    while (this.wanted && !this.isOver) {
      const facts = this.wanted;
      this.wanted = undefined;
      const conditions = conditionsOf(this.pod, facts).map((condition) => this.stamped(condition));
      const body = statusPatch(this.pod, facts, this.parts.hostIP, conditions);
      if (!(await this.tryTell(body))) this.wanted ??= facts;
    }
  }

  /** Null removes what an earlier report said. */
  private stamped({ type, status, reason, message }: Condition): object {
    const before = this.transitions.get(type);
    const at = before?.status === status ? before.at : new Date();
    this.transitions.set(type, { status, at });
    return { type, status, lastTransitionTime: apiTime(at), reason: reason ?? null, message: message ?? null };
  }

  private async tryTell(body: object): Promise<boolean> {
    await this.parts.untilThere();
    if (this.isOver) return true;
    const call = { method: 'PATCH', body, contentType: STRATEGIC } as const;
    try {
      await this.parts.client.call(`${podPath(this.pod)}/status`, call);
    } catch (error) {
      // 404, or 409 as another pod has the name now: there is nobody left to report on.
      if (error instanceof ApiRefusal && [404, 409].includes(error.status)) this.stop();
      else if (error instanceof ApiRefusal && error.status < 429) throw error;
      else await pause(RETRY_MS);
      return this.isOver;
    }
    return true;
  }
}
