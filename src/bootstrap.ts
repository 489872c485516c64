import type { RequestListener } from 'node:http';
import { type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { AppModule } from './app.module.js';
import { readSettings } from './config/environment.js';
import type { Settings } from './config/settings.schema.js';
import { StartFault } from './config/start-fault.js';
import { DEV_SIGNING_KEY } from './gateway/auth/auth.module.js';
import { type DevSigningKey, firstCurl } from './gateway/auth/dev-signing-key.js';
import { configureApi } from './gateway/api/configure-api.js';
import { EdgeServer } from './gateway/edge/edge-server.js';
import { Leadership } from './leadership/leadership.js';
import { Lifecycle } from './lifecycle/lifecycle.js';
import { MetricsEndpoint } from './metrics/metrics-endpoint.js';
import { createLogger, type PinoLogger } from './platform/logger.js';
import { NestLogger } from './platform/nest-logger.js';
import { shutDown } from './shutdown.js';
import { Secrets } from './vault/secrets.js';

/** Starts one replica: settings first, then the parts, and requests only when everything stands. */
export async function bootstrap(): Promise<void> {
  try {
    await start(readSettings());
  } catch (error) {
    process.stderr.write(`${sentenceFor(error as NodeJS.ErrnoException)}\n`);
    process.exit(1);
  }
}

/** What a person can put right is said in a sentence; anything else is ours, and needs its stack. */
function sentenceFor(error: NodeJS.ErrnoException): string {
  if (error instanceof StartFault) return error.message;
  const { port, address } = error as { port?: number; address?: string };
  if (error.code === 'EADDRINUSE')
    return `Port ${port} of ${address} is taken; choose others with PORT and METRICS_PORT.`;
  if (error.code === 'EACCES' && port !== undefined) return `Port ${port} may not be listened on by this user.`;
  if (error.code === 'EADDRNOTAVAIL' || error.syscall === 'getaddrinfo')
    return `${address ?? 'What BIND_ADDRESS names'} is no address of this machine; look at BIND_ADDRESS.`;
  return error.stack ?? String(error);
}

async function start(settings: Settings): Promise<void> {
  const logger = createLogger(settings.LOG_LEVEL);
  const address = listenAddress(settings);
  // A start that waits for Vault looks again by itself; whoever asks it to must not end it.
  if (settings.VAULT_ADDR !== undefined) process.on('SIGHUP', () => undefined);
  // Before the rest: a start may wait for Vault, and metrics tell that it does.
  const metrics = await MetricsEndpoint.listen(settings.METRICS_PORT, address);
  const app = await NestFactory.create(AppModule.with(settings, logger), {
    logger: new NestLogger(logger),
    abortOnError: false,
    bodyParser: false,
  });
  configureApi(app);
  await app.init();
  app.get(Lifecycle).start();
  await app.get(Leadership).start();
  const edge = app.get(EdgeServer);
  const port = await edge.listen(app.getHttpAdapter().getInstance() as RequestListener, {
    port: settings.PORT,
    address,
  });
  stopOnSignal(app, metrics, logger);
  reloadOnSignal(app.get(Secrets));
  logger.info({ event: 'listening', port, metricsPort: metrics.port(), address }, `Berth listens on port ${port}.`);
  greet(app, port);
}

/** Sessions that are processes of this machine are for this machine, unless somebody says otherwise. */
function listenAddress({ BIND_ADDRESS, RUNTIME }: Settings): string | undefined {
  return BIND_ADDRESS ?? (RUNTIME === 'process' ? '127.0.0.1' : undefined);
}

/** On stderr, which is not the log: it holds a token, made for trying things out on this machine. */
function greet(app: INestApplication, port: number): void {
  const key = app.get<DevSigningKey | undefined>(DEV_SIGNING_KEY);
  if (key) process.stderr.write(`\n${firstCurl(port, key.token)}\n\n`);
}

/** Where there is nothing to reload, SIGHUP is what it is to any program: the terminal has gone. */
function reloadOnSignal(secrets: Secrets): void {
  if (secrets.mayChange) process.on('SIGHUP', () => void secrets.reload());
}

function stopOnSignal(app: INestApplication, metrics: MetricsEndpoint, logger: PinoLogger): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ event: 'stopping', signal }, 'Stopping.');
    void shutDown(app, metrics, logger).then(async (code) => {
      await logger.close();
      process.exit(code);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
