import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import { type Clock, pause } from '../../platform/clock.js';
import type { KeyPair } from '../../vault/server-certificate.js';
import { closeForRestart, UpgradeExchange } from '../proxy/exchange.js';
import type { Intake } from './intake.js';

export interface EdgeOptions {
  /** With it the port speaks TLS. */
  tls?: KeyPair;
  headersTimeoutMs?: number;
}

export interface DrainCounts {
  /** In flight when the drain began. */
  inFlight: number;
  /** Of those, the ones that the deadline cut off. */
  cut: number;
}

/**
 * What clients are told: a connection that was idle for longer than this they do not use again. So none of theirs is left
 * to be closed, with a request on its way, by a replica that was leaving for as long (SHUTDOWN_DELAY_SECONDS).
 */
const TOLD_KEEP_ALIVE_MS = 5_000;
/** Longer than the 60 s after which load balancers drop an idle connection: the one who closes must not be us. */
const KEEP_ALIVE_MS = 75_000;
/** Connections that may wait to be accepted, as far as the kernel lets them: one too many waits a second, then three. */
const BACKLOG = 4_096;
const HEADERS_TIMEOUT_MS = 30_000;
const MOST_HEAD_BYTES = 16 * 1_024;
/** On a connection that is new, or that was kept, a request may be on its way when the listener closes. */
const LATE_REQUEST_MS = 500;
/** Before the deadline of a drain, WebSockets are closed: at the end of a frame, and heard by the other side. */
const GOODBYE_MS = 2_000;
/** Of a short drain no more than this part. */
const GOODBYE_PART = 0.2;

/** TLS 1.3 has none but these; of 1.2 only what keeps what was said secret when the key is lost, and is authenticated. */
const CIPHERS = [
  ...['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ...['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
].join(':');
const TLS_OPTIONS = { minVersion: 'TLSv1.2', ciphers: CIPHERS } as const;

/** The port. Everything that is decided about a request is decided by the intake. */
export class EdgeServer {
  private readonly server: Server;
  private readonly drainers: (() => void)[] = [];
  private readonly closers: (() => void)[] = [];

  constructor(
    private readonly intake: Intake,
    private readonly clock: Clock,
    private readonly options: EdgeOptions = {},
  ) {
    this.server = this.build();
    this.connect();
  }

  /** `api` is everything that is not for a pod: the Express instance under Nest. */
  async listen(api: RequestListener, { port, address: host }: { port: number; address?: string }): Promise<number> {
    this.intake.api = api;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen({ port, host, backlog: BACKLOG }, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** For the next handshakes; connections that are open have shown theirs. */
  useCertificate(pair: KeyPair): void {
    if (this.server instanceof HttpsServer) this.server.setSecureContext({ ...TLS_OPTIONS, ...pair });
  }

  /** Goes on accepting, but keeps no connection, so that clients move to other replicas by themselves. */
  stopKeepingAlive(): void {
    this.intake.stopKeepingAlive();
  }

  /** For what would go on until its client leaves: called when a drain begins. */
  onDrain(drainer: () => void): void {
    this.drainers.push(drainer);
  }

  /** For what nothing is left to use once a drain is over. */
  onDrained(closer: () => void): void {
    this.closers.push(closer);
  }

  /** Accepts no connection any more, finishes what is open, and cuts what is left at the deadline. */
  async drain(deadlineMs: number): Promise<DrainCounts> {
    const { inFlight } = this.intake;
    const began = inFlight.size;
    const deadline = pause(this.clock, deadlineMs);
    this.stopKeepingAlive();
    const closed = this.stopListening();
    const late = pause(this.clock, LATE_REQUEST_MS);
    const goodbyeMs = Math.min(GOODBYE_MS, deadlineMs * GOODBYE_PART);
    const goodbye = this.clock.after(deadlineMs - goodbyeMs, () => this.closeWebSockets());
    for (const drainer of this.drainers) drainer();
    await Promise.race([Promise.all([inFlight.empty(), Promise.race([closed, late])]), deadline]);
    await Promise.race([inFlight.empty(), deadline]);
    goodbye.cancel();
    const cut = this.cut();
    for (const closer of this.closers) closer();
    return { inFlight: began, cut };
  }

  /** Not sooner: what is said on them may be in the middle of something, and many would have ended by themselves. */
  private closeWebSockets(): void {
    this.intake.stage = 'parting';
    for (const exchange of this.intake.inFlight.all()) {
      if (exchange instanceof UpgradeExchange) closeForRestart(exchange);
    }
  }

  /**
   * http's own `close` also destroys the connections that are idle, on which a client may just be sending. They are
   * served once more (and told that they close) until nothing is in flight. Resolves when no connection is left.
   */
  private stopListening(): Promise<void> {
    return new Promise((resolve) => void NetServer.prototype.close.call(this.server, () => resolve()));
  }

  private cut(): number {
    this.intake.stage = 'closed';
    this.server.close();
    const left = this.intake.inFlight.all();
    for (const exchange of left) exchange.req.socket.destroy();
    this.server.closeAllConnections();
    return left.length;
  }

  private build(): Server {
    const headersTimeout = this.options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS;
    const options: ServerOptions = {
      keepAliveTimeout: TOLD_KEEP_ALIVE_MS,
      keepAliveTimeoutBuffer: KEEP_ALIVE_MS - TOLD_KEEP_ALIVE_MS,
      headersTimeout,
      connectionsCheckingInterval: Math.min(headersTimeout / 10, 2_000),
      requestTimeout: 0, // bodies that keep moving may take for ever; those that do not are StreamWatch's
      maxHeaderSize: MOST_HEAD_BYTES,
      insecureHTTPParser: false,
      requireHostHeader: false, // looked at in the intake, for an answer that says so
      // Java's HttpClient offers `Upgrade: h2c` with every request. RFC 9110 section 7.8: an upgrade may be ignored.
      shouldUpgradeCallback: (req) => isWebSocket(req) && !this.intake.isAnswering(req.socket),
      ...this.options.tls,
    };
    const server = this.options.tls ? createHttpsServer({ ...options, ...TLS_OPTIONS }) : createHttpServer(options);
    // By default what comes after the thousandth is left out of `headers`, but not of `rawHeaders`: a Content-Length there
    // would reach the pod without its body. The size of the head is limit enough.
    server.maxHeadersCount = 0;
    return server;
  }

  private connect(): void {
    const { intake, server } = this;
    server.on('request', (req, res) => intake.handle(req, res));
    server.on('checkContinue', (req, res) => intake.handle(req, res, true));
    server.on('checkExpectation', (req, res) => intake.handle(req, res));
    server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => intake.upgrade(req, socket, head));
    server.on('connect', (_req, socket: Duplex) => intake.refuse(socket, NO_TUNNELS));
    server.on('clientError', (error, socket) => intake.malformed(error, socket));
    server.on('tlsClientError', (_error, socket: Socket) => socket.destroy());
  }
}

function isWebSocket({ method, headers, httpVersionMinor }: IncomingMessage): boolean {
  return method === 'GET' && httpVersionMinor === 1 && headers.upgrade?.toLowerCase() === 'websocket';
}

const NO_TUNNELS = new LifecycleError('INVALID_REQUEST', 'CONNECT is not served here.');
