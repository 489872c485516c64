/**
 * WebSocket upgrades to sessions. Who may enter and where the session is is found out as for any request; the
 * connection to the pod is dialled here, and http-proxy-middleware does the handshake over it and joins the two
 * sockets. It is given the connection through an agent that holds nothing else, so it never dials by itself.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import { createProxyMiddleware, type RequestHandler } from 'http-proxy-middleware';

import type { Admission } from '../../../lifecycle/sessions.js';
import { GatewayError } from '../../problem.js';
import type { DataPlaneTarget } from '../data-plane-route.js';
import { DialError } from '../dialler.js';
import type { Entrance, Visit } from '../entrance.js';
import type { UpgradeExchange } from '../exchange.js';
import type { PodConnections } from '../pod-connections.js';
import type { Surroundings } from '../pod-request.js';
import type { ProblemWriter } from '../write-problem.js';
import { hearHangUp } from './client-hang-up.js';
import { WebSocketTunnel } from './websocket-tunnel.js';

const MOST_ATTEMPTS = 3;

interface Reached {
  admission: Admission;
  podSocket: Socket;
}

export class WebSocketForwarder {
  private readonly tunnels = new WeakMap<IncomingMessage, { tunnel: WebSocketTunnel; exchange: UpgradeExchange }>();
  private readonly byPodSocket = new WeakMap<Socket, WebSocketTunnel>();
  private readonly middleware: RequestHandler;

  constructor(
    private readonly entrance: Entrance,
    private readonly connections: PodConnections,
    private readonly problems: ProblemWriter,
    private readonly around: Surroundings,
  ) {
    this.middleware = createProxyMiddleware({
      target: 'http://pod.invalid', // the router has the last word
      router: (req, _res, options) => {
        options.agent = this.tunnels.get(req)?.tunnel.agent;
        return options.target as string;
      },
      on: {
        proxyReqWs: (handshake, req) => this.tunnels.get(req)?.tunnel.prepare(handshake),
        open: (podSocket) => this.byPodSocket.get(podSocket)?.joined(),
        error: (error, req) => this.failed(error, req),
      },
    });
  }

  async serve(exchange: UpgradeExchange, target: DataPlaneTarget): Promise<void> {
    exchange.route = target.route;
    const stopListening = hearHangUp(exchange.socket);
    try {
      const visit = await this.entrance.visitOf(exchange, target);
      const reached = await this.reach(visit, exchange);
      stopListening();
      this.handOver(exchange, reached, target.podPath);
    } catch (error) {
      stopListening();
      this.problems.refuse(exchange, error);
    }
  }

  private async reach(visit: Visit, exchange: UpgradeExchange): Promise<Reached> {
    let after: Admission | undefined;
    let cause: unknown;
    for (let attempt = 1; attempt <= MOST_ATTEMPTS && !exchange.isOver; attempt++) {
      const admission = await this.entrance.admit(visit, exchange, after);
      if ('pending' in admission) throw new Error('nobody said that this WebSocket would not wait');
      after = admission;
      const podSocket = await this.dial(admission, exchange);
      if (!(podSocket instanceof DialError)) {
        // Elapsed time is looked at once more, now that nothing is left but to send (DESIGN, invariant 2).
        if (admission.isFresh() && !exchange.isOver) return { admission, podSocket };
        podSocket.destroy();
      } else cause = podSocket;
      admission.release();
    }
    if (!exchange.isOver) this.around.metrics.failed('unreachable');
    throw new GatewayError('POD_UNREACHABLE', 'The pod of this session could not be connected to; try again.', {
      cause,
    });
  }

  private async dial(admission: Admission, exchange: UpgradeExchange): Promise<Socket | DialError> {
    try {
      return await this.connections.to(admission.address).dial(exchange.signal);
    } catch (error) {
      if (error instanceof DialError) return error;
      admission.release();
      throw error;
    }
  }

  private handOver(exchange: UpgradeExchange, { admission, podSocket }: Reached, podPath: string): void {
    const { req, socket, head } = exchange;
    podSocket.on('error', () => undefined); // 'close' follows, and tells
    const tunnel = new WebSocketTunnel({ exchange, admission, podSocket, podPath }, this.around);
    this.tunnels.set(req, { tunnel, exchange });
    this.byPodSocket.set(podSocket, tunnel);
    req.url = '/'; // the middleware parses it and would drop what it cannot parse; the tunnel has the real path
    this.middleware.upgrade(req, socket as Socket, head);
  }

  private failed(error: Error, req: IncomingMessage): void {
    const { tunnel, exchange } = this.tunnels.get(req) ?? {};
    const problem = tunnel?.problemOf(error);
    if (problem && exchange) this.problems.refuse(exchange, problem);
  }
}
