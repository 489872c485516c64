import type { RequestListener } from 'node:http';

import { Registry } from 'prom-client';

import { Authenticator, type Credentials } from '../../../src/gateway/auth/authenticator.js';
import { bearerTokenOf } from '../../../src/gateway/auth/bearer-token.js';
import { assembleEdge, type EdgeSettings } from '../../../src/gateway/edge/assemble-edge.js';
import type { EdgeOptions, EdgeServer } from '../../../src/gateway/edge/edge-server.js';
import { GatewayMetrics } from '../../../src/gateway/gateway.metrics.js';
import { GatewayError } from '../../../src/gateway/problem.js';
import { RateLimiter } from '../../../src/gateway/rate-limiter.js';
import { LifecycleError } from '../../../src/lifecycle/lifecycle.errors.js';
import type { Caller } from '../../../src/lifecycle/session.js';
import { parseSessionId } from '../../../src/lifecycle/session-id.js';
import { type Admission, type AdmissionRequest, type Pending, Sessions } from '../../../src/lifecycle/sessions.js';
import { type Clock, SystemClock } from '../../../src/platform/clock.js';
import { SystemRandomness } from '../../../src/platform/randomness.js';
import { RecordingLogger } from '../recording-logger.js';
import { viewOf } from './fake-sessions.js';

export interface Place {
  address: string;
  generation: number;
}

const unasked = (): never => {
  throw new Error('the data plane only asks to be admitted');
};

/** Sessions that are wherever a test says; knows what was let in and not let out. */
export class PlacedSessions extends Sessions {
  readonly places = new Map<string, Place>();
  readonly asked: AdmissionRequest[] = [];
  released = 0;
  admitted = 0;
  /** Asked for every admission in turn, before it is given; may wait, or throw. */
  gate?: (request: AdmissionRequest) => Promise<void> | void;
  /** Whether an admission is fresh, looked at when it is used. */
  freshness: () => boolean = () => true;
  private readonly goneListeners: ((address: string) => void)[] = [];

  place(id: string, address: string, generation = 1): void {
    this.places.set(id, { address, generation });
  }

  get inUse(): number {
    return this.admitted - this.released;
  }

  podGone(address: string): void {
    for (const gone of this.goneListeners) gone(address);
  }

  open = unasked;
  status = unasked;
  list = unasked;
  keepalive = unasked;
  end = unasked;
  logs = unasked;
  events = unasked;

  onPodGone(gone: (address: string) => void): void {
    this.goneListeners.push(gone);
  }

  async admit(request: AdmissionRequest): Promise<Admission | Pending> {
    this.asked.push(request);
    await this.gate?.(request);
    const place = this.places.get(request.id);
    if (!place && request.patienceMs !== undefined) return { pending: viewOf(request.id, { state: 'creating' }) };
    if (!place) throw new LifecycleError('SESSION_NOT_FOUND', 'There is no such session.');
    if (request.generation !== undefined && request.generation !== place.generation) {
      throw new LifecycleError('GENERATION_MISMATCH', 'The session is of another generation.');
    }
    return this.admission(request, place);
  }

  private admission(request: AdmissionRequest, { address, generation }: Place): Admission {
    this.admitted += 1;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) throw new Error('released twice');
      isReleased = true;
      this.released += 1;
    };
    const isFresh = (): boolean => this.freshness();
    return {
      id: parseSessionId(request.id),
      entered: this.admitted,
      generation,
      restarts: 0,
      address,
      start: 'none',
      heldMs: 0,
      isFresh,
      release,
    };
  }
}

class OneTokenAuthenticator extends Authenticator {
  authenticate(request: Credentials): Caller {
    if (bearerTokenOf(request) === TOKEN) return { owner: 'ann', isAdmin: false, scopes: [] };
    throw new GatewayError('UNAUTHENTICATED', 'Send a token.');
  }
}

class NoLimit extends RateLimiter {
  pass(): void {}
}

export const TOKEN = 'secret.token';
export const WITH_TOKEN = { authorization: `Bearer ${TOKEN}` };

const SETTINGS: EdgeSettings = {
  CORS_ORIGINS: [],
  MAX_BODY_BYTES: 0,
  PROXY_CONNECT_TIMEOUT_SECONDS: 1,
  PROXY_FIRST_BYTE_TIMEOUT_SECONDS: 0,
  PROXY_IDLE_STREAM_TIMEOUT_SECONDS: 0,
  SHUTDOWN_DRAIN_SECONDS: 1,
  TLS_HSTS_SECONDS: 0,
};

/** In place of the API: says what it was asked once it has read all of it. */
const api: RequestListener = (req, res) => {
  req.resume().once('end', () => res.end(`api ${req.method} ${req.url}`));
};

/** The real edge on a port of its own, in front of pods that a test makes, with sessions that only point at them. */
export class EdgeHarness {
  readonly sessions = new PlacedSessions();
  readonly logger = new RecordingLogger();
  readonly registry = new Registry();
  port = 0;
  /** Another one is set before the start. */
  clock: Clock = new SystemClock();
  private server?: EdgeServer;

  async start(settings: Partial<EdgeSettings> = {}, options?: EdgeOptions): Promise<this> {
    const platform = { clock: this.clock, logger: this.logger, randomness: new SystemRandomness() };
    const metrics = new GatewayMetrics(this.registry);
    const [authenticator, rateLimiter] = [new OneTokenAuthenticator(), new NoLimit()];
    const needs = { sessions: this.sessions, authenticator, rateLimiter, metrics, platform };
    this.server = assembleEdge({ ...SETTINGS, ...settings }, needs, options);
    this.port = await this.server.listen(api, { port: 0, address: '127.0.0.1' });
    return this;
  }

  get edge(): EdgeServer {
    if (!this.server) throw new Error('not started');
    return this.server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    await this.server?.drain(0);
  }
}
