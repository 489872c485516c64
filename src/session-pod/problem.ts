import { STATUS_CODES, type OutgoingHttpHeaders } from 'node:http';

/** A refusal that the client is told of, as application/problem+json (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly headers: OutgoingHttpHeaders = {},
  ) {
    super(detail);
    this.name = 'Problem';
  }

  toJSON(): object {
    return { type: 'about:blank', title: STATUS_CODES[this.status], status: this.status, detail: this.detail };
  }
}
