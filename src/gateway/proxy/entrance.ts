import type { Caller } from '../../lifecycle/session.js';
import { parseSessionId, type SessionId } from '../../lifecycle/session-id.js';
import type { Admission, AdmissionRequest, Pending, Sessions } from '../../lifecycle/sessions.js';
import type { Authenticator } from '../auth/authenticator.js';
import type { RateLimiter } from '../rate-limiter.js';
import type { DataPlaneTarget } from './data-plane-route.js';
import type { Exchange } from './exchange.js';
import { generationOf, patienceMsOf } from './preferences.js';

/** Who wants to go where, once it is known that they may ask. */
export interface Visit {
  id: SessionId;
  caller: Caller;
  generation?: number;
  patienceMs?: number;
}

/** What stands between a client and any pod; the same for HTTP and for WebSocket. */
export class Entrance {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly rateLimiter: RateLimiter,
    private readonly sessions: Sessions,
  ) {}

  /** In the order of the API's own checks: who has no token learns nothing, not even that an id is illegal. */
  async visitOf(exchange: Exchange, target: DataPlaneTarget): Promise<Visit> {
    const { headers } = exchange.req;
    const caller = await this.authenticator.authenticate(exchange.req);
    const id = parseSessionId(target.idText);
    exchange.sessionId = id;
    this.rateLimiter.pass(caller.owner);
    const patienceMs = target.route === 'execute' ? patienceMsOf(headers.prefer) : undefined;
    return { id, caller, generation: generationOf(headers['if-session-generation']), patienceMs };
  }

  /** Holds until the session can be reached. `after`: an earlier admission, which proved wrong. */
  async admit(visit: Visit, exchange: Exchange, after?: Admission): Promise<Admission | Pending> {
    const admission = await this.sessions.admit(new Knock(visit, exchange, after));
    if ('address' in admission) exchange.session = admission;
    return admission;
  }
}

/**
 * An AbortController is made for those only who really wait. A class, because an accessor in an object literal gives
 * every such object a hidden class of its own, and those, with all that hangs on them, live until a major collection:
 * a quarter of the CPU of a small request.
 */
class Knock implements AdmissionRequest {
  readonly id: SessionId;
  readonly caller: Caller;
  readonly generation?: number;
  readonly patienceMs?: number;

  constructor(
    visit: Visit,
    private readonly exchange: Exchange,
    readonly after?: Admission,
  ) {
    this.id = visit.id;
    this.caller = visit.caller;
    this.generation = visit.generation;
    this.patienceMs = visit.patienceMs;
  }

  get signal(): AbortSignal {
    return this.exchange.signal;
  }
}
