import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Controller, Get, Global, Module, Post, ServiceUnavailableException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Registry } from 'prom-client';

import { ConfigModule } from '../../../src/config/config.module.js';
import { loadSettings } from '../../../src/config/load-settings.js';
import { ApiModule } from '../../../src/gateway/api/api.module.js';
import { configureApi } from '../../../src/gateway/api/configure-api.js';
import { AuthModule } from '../../../src/gateway/auth/auth.module.js';
import { Sessions } from '../../../src/lifecycle/sessions.js';
import { Clock } from '../../../src/platform/clock.js';
import { Logger } from '../../../src/platform/logger.js';
import { Randomness } from '../../../src/platform/randomness.js';
import { VaultModule } from '../../../src/vault/vault.module.js';
import { FakeClock } from '../fake-clock.js';
import { FakeRandomness } from '../fake-randomness.js';
import { RecordingLogger } from '../recording-logger.js';
import { FakeSessions } from './fake-sessions.js';
import { SECRET } from './tokens.js';

/** Beside the API there are health checks, and mistakes that nobody foresaw. */
@Controller()
class Others {
  @Get('health')
  health(): void {
    throw new ServiceUnavailableException({ status: 'error', error: { store: { status: 'down' } } });
  }

  @Get('health/live')
  live(): object {
    return { status: 'ok' };
  }

  @Post('broken')
  broken(): void {
    throw new TypeError('nobody thought of this');
  }
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json: Record<string, unknown>;
}

export interface Asking {
  token?: string;
  headers?: Record<string, string>;
  body?: string | Buffer | object;
}

/** The control plane as a real Nest application on a port of its own, over sessions that only pretend. */
export class ApiHarness {
  readonly sessions = new FakeSessions();
  readonly clock = new FakeClock(Date.now());
  readonly logger = new RecordingLogger();
  private port = 0;
  private running?: NestExpressApplication;

  async start(environment: Record<string, string> = {}): Promise<this> {
    const settings = loadSettings({ AUTH_TOKEN_SECRET: SECRET, ...environment });
    const provided = [
      { provide: Sessions, useValue: this.sessions },
      { provide: Clock, useValue: this.clock },
      { provide: Logger, useValue: this.logger },
      { provide: Randomness, useValue: new FakeRandomness() },
      { provide: Registry, useValue: new Registry() },
    ];
    const fakes = { module: Fakes, providers: provided, exports: [Sessions, Clock, Logger, Randomness, Registry] };
    const root = { module: Root, imports: [ConfigModule.with(settings), fakes, VaultModule, AuthModule, ApiModule] };
    const app = await NestFactory.create<NestExpressApplication>(root, { bodyParser: false, logger: false });
    configureApi(app);
    await app.listen(0, '127.0.0.1');
    this.port = (app.getHttpServer().address() as AddressInfo).port;
    this.running = app;
    return this;
  }

  /** The path goes out as it is written, and the request bears an id as the edge would have given it. */
  async call(method: string, path: string, asking: Asking = {}): Promise<Answer> {
    const response = await this.open(method, path, asking);
    const received: Buffer[] = [];
    for await (const chunk of response) received.push(chunk as Buffer);
    const text = Buffer.concat(received).toString('utf8');
    const isJson = /json/.test(response.headers['content-type'] ?? '');
    const json = (isJson && text ? JSON.parse(text) : {}) as Record<string, unknown>;
    return { status: response.statusCode ?? 0, headers: response.headers, text, json };
  }

  /** The same as soon as the head of the answer is there. */
  open(method: string, path: string, { token, headers, body }: Asking = {}): Promise<IncomingMessage> {
    const sent = typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : body;
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port: this.port, method, path, agent: false });
      outgoing.setHeader('x-request-id', 'request-1');
      if (token !== undefined) outgoing.setHeader('authorization', `Bearer ${token}`);
      if (sent !== undefined) outgoing.setHeader('content-type', 'application/json');
      for (const [name, value] of Object.entries(headers ?? {})) outgoing.setHeader(name, value);
      outgoing.once('response', resolve).once('error', reject).end(sent);
    });
  }

  get app(): NestExpressApplication {
    if (!this.running) throw new Error('not started');
    return this.running;
  }

  stop(): Promise<void> {
    return this.app.close();
  }
}

@Global()
@Module({})
class Fakes {}

@Module({ controllers: [Others] })
class Root {}
