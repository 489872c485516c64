import type { Admission, Pending } from '../../lifecycle/sessions.js';
import type { Clock } from '../../platform/clock.js';
import { GatewayError } from '../problem.js';
import type { DataPlaneTarget } from './data-plane-route.js';
import type { Entrance, Visit } from './entrance.js';
import type { HttpExchange } from './exchange.js';
import type { HttpForwarder } from './http-forwarder.js';
import { answerPending } from './pending-answer.js';
import { RequestBody } from './request-body.js';
import type { ProblemWriter } from './write-problem.js';

/** Where a session is may change under a request; a request that finds it moved this often is not going to arrive. */
const MOST_ATTEMPTS = 3;

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
      await this.carry(exchange, visit, target, body);
    } catch (error) {
      this.problems.answer(exchange, error);
    }
  }

  private async carry(exchange: HttpExchange, visit: Visit, target: DataPlaneTarget, body: RequestBody): Promise<void> {
    let cause: unknown;
    for (let attempt = 1; attempt <= MOST_ATTEMPTS && !exchange.isOver; attempt++) {
      const admission = await this.entrance.admit(visit, exchange, attempt > 1);
      if ('pending' in admission) return answerPending(exchange, admission.pending, this.clock);
      try {
        const outcome = await this.forwarder.forward(exchange, admission, target.podPath, body);
        if (outcome.is === 'over') return;
        if (outcome.is === 'unsent') cause = outcome.cause;
        else if (await this.isStillAt(visit, exchange, admission, outcome.drop)) return void (await outcome.passOn());
        else outcome.drop();
        if (outcome.is === 'misdirected' && body.isPresent) throw new GatewayError('POD_UNREACHABLE', MOVED);
      } finally {
        admission.release();
      }
    }
    if (!exchange.isOver) throw new GatewayError('POD_UNREACHABLE', UNREACHABLE, { cause });
  }

  /** A pod said that this session is not its own: is it where we thought? */
  private async isStillAt(visit: Visit, exchange: HttpExchange, was: Admission, drop: () => void): Promise<boolean> {
    const now = await this.entrance
      .admit({ ...visit, patienceMs: undefined }, exchange, true)
      .catch((error: unknown) => {
        drop(); // or its connection would wait for ever
        throw error;
      });
    if (isPending(now)) return false;
    now.release();
    return now.generation === was.generation && now.address === was.address;
  }
}

function isPending(admission: Admission | Pending): admission is Pending {
  return 'pending' in admission;
}

const UNREACHABLE = 'The pod of this session could not be connected to; nothing was sent, so it is safe to try again.';
const MOVED = 'The session moved to another pod while the request was on its way; it was not executed, try again.';
