import type { Dispatcher } from 'undici';

import type { Admission } from '../../lifecycle/sessions.js';
import type { Outcome } from './attempts.js';
import type { HttpExchange } from './exchange.js';
import { headersToPod } from './header-passes.js';
import { peerOf } from './peer.js';
import type { PodConnections } from './pod-connections.js';
import { PodRequest, type Surroundings } from './pod-request.js';
import type { RequestBody } from './request-body.js';

/** Sends one request to the pod of an admission, once. */
export class HttpForwarder {
  constructor(
    private readonly connections: PodConnections,
    private readonly around: Surroundings,
  ) {}

  forward(exchange: HttpExchange, admission: Admission, podPath: string, body: RequestBody): Promise<Outcome> {
    const { req, requestId } = exchange;
    const connection = this.connections.to(admission.address);
    const request = new PodRequest({ exchange, admission, connection, body }, this.around);
    const options: Dispatcher.DispatchOptions = {
      path: podPath,
      method: req.method as Dispatcher.HttpMethod,
      headers: headersToPod(req.rawHeaders, { session: admission, requestId, ...peerOf(req.socket) }),
      body: body.forAttempt((error) => request.giveUp(error)),
    };
    connection.dispatch(options, request);
    return request.outcome;
  }
}
