import type { LogOptions } from '../session-runtime.js';

const NEWLINE = 0x0a;
/** What is always kept of a pod's output. */
const KEPT_BYTES = 256 * 1024;
/** Room to print into before the oldest is let go, so that this happens once per many chunks. */
const SPARE_BYTES = 64 * 1024;
/** A line longer than this is cut rather than kept or dropped whole. */
const LONGEST_LINE_BYTES = 64 * 1024;
const PIECE_BYTES = 64 * 1024;

/**
 * The last output of a pod. Its readers hold only a position, so one that reads slowly or not at all costs nothing: what
 * it missed is replaced by a line that says so.
 */
export class OutputRing {
  private bytes = Buffer.alloc(0);
  private length = 0;
  /** Bytes printed before the first one that is kept. */
  private dropped = 0;
  private isOver = false;
  private readonly waiting = new Set<() => void>();

  append(chunk: Buffer): void {
    const last = chunk.subarray(-KEPT_BYTES);
    if (last.length < chunk.length) this.dropAll(chunk.length - last.length);
    if (this.length + last.length > KEPT_BYTES + SPARE_BYTES) this.dropOldest(this.length + last.length - KEPT_BYTES);
    this.grow(this.length + last.length);
    last.copy(this.bytes, this.length);
    this.length += last.length;
    this.wake();
  }

  /** Nothing will be printed any more: readers that follow come to an end. */
  end(): void {
    this.isOver = true;
    this.wake();
  }

  lastLines(lines: number, longestBytes = 2048): string {
    const from = Math.max(this.startOfLast(lines), this.length - longestBytes);
    return this.bytes.toString('utf8', from, this.length).trim();
  }

  async *read({ follow, tailLines, signal }: LogOptions): AsyncGenerator<Uint8Array> {
    const until = follow ? Infinity : this.dropped + this.length;
    let at = this.dropped + (tailLines === undefined ? 0 : this.startOfLast(tailLines));
    while (!signal.aborted && at < until) {
      const missed = this.dropped - at;
      if (missed > 0) {
        at += missed;
        yield Buffer.from(`[berth: ${missed} bytes of output were not read in time and are lost]\n`);
        continue;
      }
      const piece = this.pieceFrom(at);
      at += piece.length;
      if (piece.length > 0) yield piece;
      else if (this.isOver) return;
      else await this.more(signal);
    }
  }

  private pieceFrom(at: number): Buffer {
    const from = at - this.dropped;
    return Buffer.from(this.bytes.subarray(from, Math.min(from + PIECE_BYTES, this.length)));
  }

  /** Where the last so many lines begin; a last line without its end counts. */
  private startOfLast(lines: number): number {
    let from = this.length;
    if (lines > 0 && this.bytes[from - 1] === NEWLINE) from--;
    for (let found = 0; from > 0; from--) {
      if (lines === 0 || (this.bytes[from - 1] === NEWLINE && ++found === lines)) break;
    }
    return from;
  }

  private dropOldest(atLeast: number): void {
    const lineEnd = this.bytes.subarray(0, this.length).indexOf(NEWLINE, Math.max(atLeast - 1, 0));
    const from = lineEnd === -1 || lineEnd >= atLeast + LONGEST_LINE_BYTES ? atLeast : lineEnd + 1;
    this.bytes.copyWithin(0, from, this.length);
    this.length -= from;
    this.dropped += from;
  }

  private dropAll(andMore: number): void {
    this.dropped += this.length + andMore;
    this.length = 0;
  }

  private grow(needed: number): void {
    if (needed <= this.bytes.length) return;
    const size = Math.min(Math.max(needed, 2 * this.bytes.length, 1024), KEPT_BYTES + SPARE_BYTES);
    const larger = Buffer.alloc(size);
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  private more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake();
  }
}
