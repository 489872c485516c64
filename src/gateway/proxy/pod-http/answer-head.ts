/**
 * The head of a pod's answer, read exactly as RFC 9112 writes it. What two readers could take for two different answers is
 * refused, not repaired: lengths that contradict each other, codings that are not undone here, bare carriage returns and
 * line feeds, folded lines, spaces before a colon. Pure.
 */
import type { Fields } from '../header-passes.js';

/** What the pod says is not HTTP/1.1, or not only one thing. */
export class AnswerFault extends Error {
  override name = 'AnswerFault';
}

/** In place of a length. */
export const IN_CHUNKS = -1;
export const TO_THE_END = -2;

export interface AnswerHead {
  status: number;
  reason: string;
  /** Names in lower case. */
  fields: Fields;
  /** Of the body; or `IN_CHUNKS`, or `TO_THE_END` of the connection. */
  length: number;
  /** The pod closes the connection after it. */
  isLast: boolean;
  /** For how long the pod says that it keeps the connection. */
  keepAliveMs?: number;
}

// Each of these looks at every byte once, whatever the bytes are.
const STATUS_LINE = /HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/y;
const FIELD_LINE = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)\r\n/y;
const LENGTH = /^\d{1,15}$/;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const KEPT_FOR = /(?:^|[,; \t])timeout=(\d{1,9})/i;

/** `text`: the lines up to the empty one. `isToHead`: it answers a HEAD. */
export function readHead(text: string, isToHead: boolean): AnswerHead {
  STATUS_LINE.lastIndex = 0;
  const line = STATUS_LINE.exec(text);
  if (!line) throw new AnswerFault('the answer does not begin with a status line of HTTP/1.1');
  const isOldHttp = line[1] === '0';
  const status = Number(line[2]);
  const fields = readFields(text, STATUS_LINE.lastIndex);
  const head: AnswerHead = { status, reason: line[3] ?? '', fields, length: TO_THE_END, isLast: isOldHttp };
  frame(head, isOldHttp);
  if (isToHead || status < 200 || status === 204 || status === 304) head.length = 0;
  else if (head.length === TO_THE_END) head.isLast = true;
  return head;
}

/** The lines of a head or of trailers. */
export function readFields(text: string, from: number): Fields {
  const fields: Fields = [];
  for (let at = from; at < text.length; at = FIELD_LINE.lastIndex) {
    FIELD_LINE.lastIndex = at;
    const line = FIELD_LINE.exec(text);
    if (!line) throw new AnswerFault('a line of the answer is no header');
    fields.push(line[1]!.toLowerCase(), withoutSpaces(line[2]!));
  }
  return fields;
}

/** RFC 9112 section 6.3. A body that is framed twice, in whatever way, is refused. */
function frame(head: AnswerHead, isOldHttp: boolean): void {
  const { fields } = head;
  let isFramed = false;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    const value = fields[at + 1]!;
    if (name === 'content-length' || name === 'transfer-encoding') {
      if (isFramed) throw new AnswerFault('the answer says twice how long it is');
      isFramed = true;
      head.length = name === 'content-length' ? lengthOf(value) : chunksOf(value, isOldHttp);
    } else if (name === 'connection') head.isLast ||= CLOSE.test(value);
    else if (name === 'keep-alive') head.keepAliveMs = keptFor(value);
  }
}

function lengthOf(value: string): number {
  if (!LENGTH.test(value)) throw new AnswerFault('the length of the answer is no number');
  return Number(value);
}

/** Only chunks are undone here: another coding would reach the client unannounced (RFC 9112 section 6.1). */
function chunksOf(value: string, isOldHttp: boolean): number {
  if (isOldHttp || value.toLowerCase() !== 'chunked') throw new AnswerFault(`the answer is coded as ${value}`);
  return IN_CHUNKS;
}

function keptFor(value: string): number | undefined {
  const seconds = KEPT_FOR.exec(value)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** `trim` would take more than the two that are space in HTTP. */
function withoutSpaces(value: string): string {
  let from = 0;
  let to = value.length;
  while (from < to && isSpace(value.charCodeAt(from))) from += 1;
  while (to > from && isSpace(value.charCodeAt(to - 1))) to -= 1;
  return from === 0 && to === value.length ? value : value.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
