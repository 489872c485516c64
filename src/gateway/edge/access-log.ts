import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';
import type { GatewayMetrics } from '../gateway.metrics.js';
import type { Exchange } from '../proxy/exchange.js';

/** The client left before there was an answer; nginx's number for it, for HTTP has none. */
const CLIENT_GONE = 499;
const LONGEST_PATH = 512;

/** One line and one observation for each request, when it is over. Never a query, a header or a body. */
export class AccessLog {
  constructor(
    private readonly logger: Logger,
    private readonly metrics: GatewayMetrics,
    private readonly clock: Clock,
  ) {}

  write(exchange: Exchange): void {
    const { req, path, route, sessionId, requestId, errorCode: code } = exchange;
    const ms = this.clock.monotonicMs() - exchange.startedMs;
    const status = exchange.status === 0 ? CLIENT_GONE : exchange.status;
    this.metrics.requested(route, req.method, status, ms / 1_000);
    this.logger.info({
      event: 'http',
      method: req.method,
      path: path.length > LONGEST_PATH ? path.slice(0, LONGEST_PATH) : path,
      status,
      ms: Math.round(ms * 10) / 10,
      sessionId,
      requestId,
      code,
      broken: exchange.status === 0 || exchange.isWhole ? undefined : true,
    });
  }

  /** What could not be read as a request. */
  malformed(status: number, reason: string): void {
    this.metrics.failed('malformed');
    this.logger.info({ event: 'http.malformed', status, reason });
  }
}
