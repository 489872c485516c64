import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import type { Admission } from '../../lifecycle/sessions.js';
import type { Outcome } from './attempts.js';
import type { HttpExchange } from './exchange.js';
import { headersToPod } from './header-passes.js';
import { peerOf } from './peer.js';
import type { PodConnections } from './pod-connections.js';
import { isSendable } from './pod-http/outgoing-request.js';
import { PodRequest, type Surroundings } from './pod-request.js';
import type { RequestBody } from './request-body.js';

/** Sends one request to the pod of an admission, once. */
export class HttpForwarder {
  constructor(
    private readonly connections: PodConnections,
    private readonly around: Surroundings,
  ) {}

  forward(exchange: HttpExchange, admission: Admission, path: string, body: RequestBody): Promise<Outcome> {
    if (!isSendable(path)) throw new LifecycleError('INVALID_REQUEST', 'The path cannot be passed on as it is.');
    const { req, requestId } = exchange;
    const connection = this.connections.to(admission.address);
    const fields = headersToPod(req.rawHeaders, { session: admission, requestId, ...peerOf(req.socket) });
    const request = new PodRequest({ exchange, admission, connection, body, path, fields }, this.around);
    connection.ask(request);
    return request.outcome;
  }
}
