import type { Fields } from '../header-passes.js';
import type { ForwardedBody } from '../request-body.js';

/** A request as one connection sends it, once. */
export interface OutgoingRequest {
  method: string;
  path: string;
  /** For a client of HTTP/1.0 that named no host: the pod speaks HTTP/1.1 and has to be given one. */
  host: string;
  /** Without framing, but for the length that the client told. */
  fields: Fields;
  body: Buffer | ForwardedBody | undefined;
  /** Of the body, where it is known. */
  length: number | undefined;
}

/** Anything that could end the first line of the request would be a second request. */
const TARGET = /^[\x21-\xff]+$/;
/** RFC 9110 section 8.6: these are expected to have a body, so one that has none says so. */
const BODY_EXPECTED = new Set(['POST', 'PUT', 'PATCH']);

export function isSendable(path: string): boolean {
  return TARGET.test(path);
}

export function headText({ method, path, host, fields, body, length }: OutgoingRequest): string {
  let text = `${method} ${path} HTTP/1.1\r\nconnection: keep-alive\r\n`;
  let hasHost = false;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (name === 'host') hasHost = true;
    text += `${name}: ${fields[at + 1]!}\r\n`;
  }
  if (!hasHost) text += `host: ${host}\r\n`;
  if (body !== undefined && length === undefined) text += 'transfer-encoding: chunked\r\n';
  else if (length === undefined && BODY_EXPECTED.has(method)) text += 'content-length: 0\r\n';
  return `${text}\r\n`;
}
