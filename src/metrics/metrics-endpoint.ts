import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';

/** Of the event loop's delays, which contain it. At the library's 10 ms it is what an idle process wakes up for. */
const LOOP_SAMPLED_MS = 100;

/** `/metrics`, and the series that Node itself gives. */
@Module({
  imports: [
    PrometheusModule.register({
      path: '/metrics',
      defaultMetrics: { enabled: true, config: { eventLoopMonitoringPrecision: LOOP_SAMPLED_MS } },
    }),
  ],
})
class MetricsEndpointModule {}

/**
 * Listens on a port of its own, so that what scrapes never competes with sessions and is never reachable through
 * the Service or Ingress that serves them.
 */
export class MetricsEndpoint {
  private constructor(private readonly app: INestApplication<Server>) {}

  static async listen(port: number, address: string | undefined): Promise<MetricsEndpoint> {
    const app = await NestFactory.create<INestApplication<Server>>(MetricsEndpointModule, {
      logger: false,
      forceCloseConnections: true,
    });
    await (address === undefined ? app.listen(port) : app.listen(port, address));
    return new MetricsEndpoint(app);
  }

  port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}
