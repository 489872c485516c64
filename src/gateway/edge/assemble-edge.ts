import type { Settings } from '../../config/settings.schema.js';
import type { Sessions } from '../../lifecycle/sessions.js';
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';
import type { Randomness } from '../../platform/randomness.js';
import type { Authenticator } from '../auth/authenticator.js';
import type { GatewayMetrics } from '../gateway.metrics.js';
import { DataPlane } from '../proxy/data-plane.js';
import { Dialler } from '../proxy/dialler.js';
import { Entrance } from '../proxy/entrance.js';
import { HttpForwarder } from '../proxy/http-forwarder.js';
import { PodConnections } from '../proxy/pod-connections.js';
import type { Surroundings } from '../proxy/pod-request.js';
import { StreamWatch } from '../proxy/stream-watch.js';
import { WebSocketForwarder } from '../proxy/websocket/websocket-forwarder.js';
import { ProblemWriter } from '../proxy/write-problem.js';
import type { RateLimiter } from '../rate-limiter.js';
import { AccessLog } from './access-log.js';
import { corsFor } from './cors.js';
import { type EdgeOptions, EdgeServer } from './edge-server.js';
import { Intake } from './intake.js';

export type EdgeSettings = Pick<
  Settings,
  | 'CORS_ORIGINS'
  | 'MAX_BODY_BYTES'
  | 'PROXY_CONNECT_TIMEOUT_SECONDS'
  | 'PROXY_FIRST_BYTE_TIMEOUT_SECONDS'
  | 'PROXY_IDLE_STREAM_TIMEOUT_SECONDS'
  | 'SHUTDOWN_DRAIN_SECONDS'
  | 'TLS_HSTS_SECONDS'
>;

/** What the edge asks of the rest of Berth. */
export interface EdgeNeeds {
  sessions: Sessions;
  authenticator: Authenticator;
  rateLimiter: RateLimiter;
  metrics: GatewayMetrics;
  platform: { clock: Clock; logger: Logger; randomness: Randomness };
}

const SECOND = 1_000;
const DIAL_MARGIN_MS = 1_000;

/** Puts together the way of a request from the port to the pod; one place, used by the product and by its tests. */
export function assembleEdge(settings: EdgeSettings, needs: EdgeNeeds, options?: EdgeOptions): EdgeServer {
  const { sessions, metrics, platform } = needs;
  const { clock, logger, randomness } = platform;
  const around = surroundings(settings, clock, metrics);
  const dialler = new Dialler(clock, settings.PROXY_CONNECT_TIMEOUT_SECONDS * SECOND);
  const connections = new PodConnections(sessions, dialler, clock, settings.SHUTDOWN_DRAIN_SECONDS * SECOND);
  const entrance = new Entrance(needs.authenticator, needs.rateLimiter, sessions);
  const problems = new ProblemWriter(logger, randomness, clock);
  const forwarder = new HttpForwarder(connections, around);
  const parts = {
    dataPlane: new DataPlane(entrance, forwarder, problems, clock, settings.MAX_BODY_BYTES),
    webSockets: new WebSocketForwarder(entrance, connections, problems, around),
    problems,
    accessLog: new AccessLog(logger, metrics, clock),
    watch: around.watch,
  };
  const intakeOptions = {
    cors: corsFor(settings.CORS_ORIGINS),
    hstsSeconds: settings.TLS_HSTS_SECONDS,
    idleStreamMs: around.timeouts.idleStreamMs,
  };
  const intake = new Intake(parts, intakeOptions, randomness, clock);
  metrics.readInFlight(() => intake.inFlight.counts());
  const edge = new EdgeServer(intake, clock, options);
  edge.onDrained(() => connections.close());
  return edge;
}

function surroundings(settings: EdgeSettings, clock: Clock, metrics: GatewayMetrics): Surroundings {
  const firstByteMs = settings.PROXY_FIRST_BYTE_TIMEOUT_SECONDS * SECOND;
  const idleStreamMs = settings.PROXY_IDLE_STREAM_TIMEOUT_SECONDS * SECOND;
  const connectMs = settings.PROXY_CONNECT_TIMEOUT_SECONDS * SECOND + DIAL_MARGIN_MS;
  const limits = [connectMs, firstByteMs, idleStreamMs].filter((limitMs) => limitMs > 0);
  const watch = new StreamWatch(clock, Math.min(...limits));
  return { clock, watch, metrics, timeouts: { connectMs, firstByteMs, idleStreamMs } };
}
