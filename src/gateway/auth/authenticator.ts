import type { Caller } from '../../lifecycle/session.js';

/** What of a request can carry a token; an IncomingMessage is one. */
export interface Credentials {
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * Who asks. The bearer token of the Authorization header, or for browsers on a WebSocket the subprotocol
 * `berth.bearer.<token>`. Throws GatewayError UNAUTHENTICATED; why a token was refused is logged, not told.
 */
export abstract class Authenticator {
  /** Synchronous when the token is remembered, so that a known caller costs no turn of the event loop. */
  abstract authenticate(request: Credentials): Caller | Promise<Caller>;
}
