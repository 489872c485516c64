import type { Fields } from '../header-passes.js';
import { AnswerFault, type AnswerHead, IN_CHUNKS, readFields, readHead, TO_THE_END } from './answer-head.js';

export interface AnswerListener {
  /** Also of every informational answer (1xx) that comes before. */
  onHead(head: AnswerHead): void;
  onPiece(piece: Buffer): void;
  onEnd(trailers: Fields): void;
  /** Nothing more may be said for now. */
  readonly isHeld: boolean;
}

type Expected = 'head' | 'bytes' | 'chunk size' | 'chunk bytes' | 'chunk end' | 'trailers' | 'end' | 'nothing';

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_FEED = 0x0a;
/** As much as Berth takes from clients. */
const MOST_HEAD_BYTES = 16 * 1_024;
const MOST_SIZE_LINE_BYTES = 4 * 1_024;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?\r\n$/;
const NO_TRAILERS: Fields = [];

/** The bytes of one connection, as the answers that they are; one at a time, each asked for by `expect`. */
export class AnswerParser {
  private expected: Expected = 'nothing';
  private isToHead = false;
  private leftBytes = 0;
  /** Of a head, a line or trailers that are not complete. */
  private begun = '';

  constructor(private readonly listener: AnswerListener) {}

  get isOver(): boolean {
    return this.expected === 'nothing';
  }

  expect(isToHead: boolean): void {
    this.isToHead = isToHead;
    this.expected = 'head';
  }

  /** How many of the bytes it took: all, unless it was held or the answer is over. Throws what is no answer. */
  read(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length && this.expected !== 'nothing' && !this.listener.isHeld) at = this.step(chunk, at);
    return at;
  }

  /** The connection ended. True: so did the answer. */
  finish(): boolean {
    if (this.expected !== 'end') return false;
    this.end(NO_TRAILERS);
    return true;
  }

  private step(chunk: Buffer, at: number): number {
    switch (this.expected) {
      case 'head':
        return this.readHead(chunk, at);
      case 'bytes':
      case 'chunk bytes':
        return this.readBytes(chunk, at);
      case 'chunk size':
        return this.readLine(chunk, at, MOST_SIZE_LINE_BYTES, (line) => this.beginChunk(line));
      case 'chunk end':
        return this.readLine(chunk, at, HEAD_END.length / 2, (line) => this.endChunk(line));
      case 'trailers':
        return this.readLines(chunk, at, (text) => this.end(readFields(text, HEAD_END.length / 2)));
      case 'end':
      case 'nothing':
        this.listener.onPiece(at === 0 ? chunk : chunk.subarray(at));
        return chunk.length;
    }
  }

  private readHead(chunk: Buffer, at: number): number {
    const end = this.begun === '' ? chunk.indexOf(HEAD_END, at) : -1;
    if (end < 0 || end - at > MOST_HEAD_BYTES) return this.readLines(chunk, at, (text) => this.takeHead(text));
    this.takeHead(chunk.toString('latin1', at, end + HEAD_END.length / 2));
    return end + HEAD_END.length;
  }

  /** Lines up to an empty one, which may come in any number of pieces. */
  private readLines(chunk: Buffer, at: number, take: (text: string) => void): number {
    const searchFrom = Math.max(this.begun.length - HEAD_END.length + 1, 0);
    const until = Math.min(chunk.length, at + MOST_HEAD_BYTES);
    const before = this.begun.length;
    this.begun += chunk.toString('latin1', at, until);
    const end = this.begun.indexOf('\r\n\r\n', searchFrom);
    if (end < 0) {
      if (this.begun.length >= MOST_HEAD_BYTES) throw new AnswerFault('the head of the answer is too large');
      return until;
    }
    const text = this.begun.slice(0, end + HEAD_END.length / 2);
    this.begun = '';
    take(text);
    return at + end + HEAD_END.length - before;
  }

  private readLine(chunk: Buffer, at: number, mostBytes: number, take: (line: string) => void): number {
    const feed = chunk.indexOf(LINE_FEED, at);
    const until = feed < 0 ? chunk.length : feed + 1;
    if (this.begun.length + until - at > mostBytes) throw new AnswerFault('a chunk of the answer has no proper line');
    const line = this.begun + chunk.toString('latin1', at, until);
    this.begun = feed < 0 ? line : '';
    if (feed >= 0) take(line);
    return until;
  }

  private readBytes(chunk: Buffer, at: number): number {
    const until = Math.min(chunk.length, at + this.leftBytes);
    this.leftBytes -= until - at;
    const isLast = this.leftBytes === 0;
    if (isLast && this.expected === 'chunk bytes') this.expected = 'chunk end';
    this.listener.onPiece(chunk.subarray(at, until));
    if (isLast && this.expected === 'bytes') this.end(NO_TRAILERS);
    return until;
  }

  private takeHead(text: string): void {
    const head = readHead(text, this.isToHead);
    if (head.status === 101) throw new AnswerFault('the answer changes to a protocol that nobody asked for');
    if (head.status >= 200) this.expectBody(head.length);
    this.listener.onHead(head);
    if (head.status >= 200 && head.length === 0) this.end(NO_TRAILERS);
  }

  private expectBody(length: number): void {
    this.leftBytes = length;
    if (length === IN_CHUNKS) this.expected = 'chunk size';
    else this.expected = length === TO_THE_END ? 'end' : 'bytes';
  }

  private beginChunk(line: string): void {
    const size = CHUNK_SIZE.exec(line)?.[1];
    if (size === undefined) throw new AnswerFault('the size of a chunk of the answer is no number');
    this.leftBytes = parseInt(size, 16);
    if (this.leftBytes > 0) this.expected = 'chunk bytes';
    else {
      this.expected = 'trailers';
      this.begun = '\r\n'; // so that no trailers, too, end with an empty line after a line
    }
  }

  private endChunk(line: string): void {
    if (line !== '\r\n') throw new AnswerFault('a chunk of the answer is longer than it said');
    this.expected = 'chunk size';
  }

  private end(trailers: Fields): void {
    this.expected = 'nothing';
    this.listener.onEnd(trailers);
  }
}
