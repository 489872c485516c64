import type { InFlightKind } from '../gateway.metrics.js';
import { type Exchange, HttpExchange, UpgradeExchange } from '../proxy/exchange.js';
import { Slots } from '../proxy/slots.js';

/** Every request that is not over. */
export class InFlight {
  private readonly exchanges = new Slots<Exchange>();
  private emptied?: () => void;

  begin(exchange: Exchange): void {
    this.exchanges.add(exchange);
  }

  end(exchange: Exchange): void {
    this.exchanges.delete(exchange);
    if (this.exchanges.size === 0) this.emptied?.();
  }

  get size(): number {
    return this.exchanges.size;
  }

  all(): Exchange[] {
    return this.exchanges.toArray();
  }

  counts(): Record<InFlightKind, number> {
    const counts = { request: 0, stream: 0, websocket: 0 };
    for (const exchange of this.all()) counts[kindOf(exchange)] += 1;
    return counts;
  }

  /** Resolves as soon as nothing is in flight. */
  empty(): Promise<void> {
    if (this.exchanges.size === 0) return Promise.resolve();
    return new Promise((resolve) => (this.emptied = resolve));
  }
}

function kindOf(exchange: Exchange): InFlightKind {
  if (exchange instanceof UpgradeExchange && exchange.closeForRestart) return 'websocket';
  return exchange instanceof HttpExchange && exchange.res.headersSent ? 'stream' : 'request';
}
