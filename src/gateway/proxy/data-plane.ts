import type { Admission, Pending } from '../../lifecycle/sessions.js';
import type { Clock } from '../../platform/clock.js';
import { carryOut, type Errand, type Outcome } from './attempts.js';
import type { DataPlaneTarget } from './data-plane-route.js';
import type { Entrance, Visit } from './entrance.js';
import type { HttpExchange } from './exchange.js';
import type { HttpForwarder } from './http-forwarder.js';
import { answerPending } from './pending-answer.js';
import { RequestBody } from './request-body.js';
import type { ProblemWriter } from './write-problem.js';

/**
 * The story of one request to a session: who asks and for which session, let in (which may mean waiting for its pod
 * to start), sent to the pod, answered, let out.
 */
export class DataPlane {
  constructor(
    private readonly entrance: Entrance,
    private readonly forwarder: HttpForwarder,
    private readonly problems: ProblemWriter,
    private readonly clock: Clock,
    private readonly maxBodyBytes: number,
  ) {}

  async serve(exchange: HttpExchange, target: DataPlaneTarget): Promise<void> {
    exchange.route = target.route;
    try {
      const visit = await this.entrance.visitOf(exchange, target);
      const body = new RequestBody(exchange, this.maxBodyBytes);
      const { entrance, forwarder, clock } = this;
      await carryOut(new HttpErrand(exchange, body, visit, { entrance, forwarder, clock, podPath: target.podPath }));
    } catch (error) {
      this.problems.answer(exchange, error);
    }
  }
}

/** A class, because accessors in an object literal are dear (see `entrance.ts`), and this is made for every request. */
class HttpErrand implements Errand {
  constructor(
    private readonly exchange: HttpExchange,
    private readonly body: RequestBody,
    private readonly visit: Visit,
    private readonly by: { entrance: Entrance; forwarder: HttpForwarder; clock: Clock; podPath: string },
  ) {}

  get isOver(): boolean {
    return this.exchange.isOver;
  }

  get isSpent(): boolean {
    return this.body.isPresent;
  }

  admit({ after, patiently }: { after?: Admission; patiently: boolean }): Promise<Admission | Pending> {
    const visit = patiently ? { ...this.visit, patienceMs: undefined } : this.visit;
    return this.by.entrance.admit(visit, this.exchange, after);
  }

  answerPending({ pending }: Pending): void {
    answerPending(this.exchange, pending, this.by.clock);
  }

  send(admission: Admission): Promise<Outcome> {
    return this.by.forwarder.forward(this.exchange, admission, this.by.podPath, this.body);
  }
}
