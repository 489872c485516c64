import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What a request was for; the label is one of these, never a path. */
export const ROUTES = [
  'execute',
  'proxy',
  'transparent',
  'session',
  'status',
  'keepalive',
  'logs',
  'events',
  'sessions',
  'docs',
  'health',
  'other',
] as const;
export type Route = (typeof ROUTES)[number];

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'OTHER'] as const;
const OTHER_METHOD = METHODS.indexOf('OTHER');

/**
 * `unreachable`: could not be dialled. `lost`: died before its answer began. `broken`: died in the middle of it.
 * `client_gone`: the client left before the answer was complete. `malformed`: not HTTP, or too much of it.
 */
export type ProxyErrorKind =
  | 'unreachable'
  | 'lost'
  | 'broken'
  | 'misdirected'
  | 'first_byte_timeout'
  | 'idle_timeout'
  | 'client_gone'
  | 'malformed';

export type InFlightKind = 'request' | 'stream' | 'websocket';

/** From a request that never waits to a stream of an hour. */
const DURATION_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600];

type Observe = (seconds: number) => void;

/** What the gateway tells Prometheus. Levels are read when they are asked for. */
export class GatewayMetrics {
  private readonly requests: Histogram<'route' | 'method' | 'code'>;
  private readonly errors: Counter<'kind'>;
  /** Bound once for each combination that occurs: looking a label set up by name would cost more than the rest. */
  private readonly observers = new Map<number, Observe>();
  private readonly levels: (() => Record<InFlightKind, number>)[] = [];

  constructor(registry: Registry) {
    const registers = [registry];
    this.requests = new Histogram({
      name: 'session_request_duration_seconds',
      help: 'From the head of a request to the end of its answer; for a WebSocket, to its end',
      labelNames: ['route', 'method', 'code'],
      buckets: DURATION_BUCKETS,
      registers,
    });
    this.errors = new Counter({
      name: 'session_proxy_errors_total',
      help: 'Requests that did not go through as they should, by kind',
      labelNames: ['kind'],
      registers,
    });
    const levels = this.levels;
    new Gauge({
      name: 'session_requests_in_flight',
      help: 'Requests not answered yet, answers not finished yet, and open WebSockets',
      labelNames: ['kind'],
      registers,
      collect() {
        const sum: Record<InFlightKind, number> = { request: 0, stream: 0, websocket: 0 };
        for (const read of levels) for (const [kind, n] of Object.entries(read())) sum[kind as InFlightKind] += n;
        for (const [kind, n] of Object.entries(sum)) this.set({ kind }, n);
      },
    });
  }

  requested(route: Route, method: string | undefined, status: number, seconds: number): void {
    const known = METHODS.indexOf(method as (typeof METHODS)[number]);
    const methodIndex = known < 0 ? OTHER_METHOD : known;
    const key = (status * METHODS.length + methodIndex) * ROUTES.length + ROUTES.indexOf(route);
    const observe = this.observers.get(key) ?? this.bind(key, route, methodIndex, status);
    observe(seconds);
  }

  failed(kind: ProxyErrorKind): void {
    this.errors.inc({ kind });
  }

  /** Whoever knows what is in flight says so when asked. */
  readInFlight(read: () => Record<InFlightKind, number>): void {
    this.levels.push(read);
  }

  private bind(key: number, route: Route, methodIndex: number, status: number): Observe {
    const bound = this.requests.labels(route, METHODS[methodIndex]!, String(status));
    const observe: Observe = (seconds) => bound.observe(seconds);
    this.observers.set(key, observe);
    return observe;
  }
}
