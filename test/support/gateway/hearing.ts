import type { Fields } from '../../../src/gateway/proxy/header-passes.js';
import type { AnswerHead } from '../../../src/gateway/proxy/pod-http/answer-head.js';
import type { OutgoingRequest } from '../../../src/gateway/proxy/pod-http/outgoing-request.js';
import type { Asker } from '../../../src/gateway/proxy/pod-http/pod-wire.js';

export const REQUEST: OutgoingRequest = {
  method: 'GET',
  path: '/',
  host: 'pod',
  fields: [],
  body: undefined,
  length: undefined,
};

/** Asks for `/` and remembers what it was told. */
export class Hearing implements Asker {
  status?: number;
  text = '';
  failure?: Error;
  trailers?: Fields;
  onPieces: () => void = () => undefined;

  onTurn(): OutgoingRequest {
    return REQUEST;
  }

  onHead({ status }: AnswerHead): void {
    this.status = status;
  }

  onPiece(piece: Buffer): void {
    this.text += piece.toString('latin1');
    this.onPieces();
  }

  onEnd(trailers: Fields): void {
    this.trailers = trailers;
  }

  onFailed(error: Error): void {
    this.failure = error;
  }
}
