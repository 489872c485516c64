import fs from 'node:fs';

/** A write for each line was a fifth of the CPU of a small request: they are written together when so much has come. */
const WRITTEN_TOGETHER_CHARS = 16 * 1_024;
/** What is lost at the most when the process is killed. */
const LONGEST_UNWRITTEN_MS = 50;
const LONGEST_LAST_WRITE_MS = 1_000;
const TRY_AGAIN_MS = 100;
/** Whoever reads the log has stopped for so long that what comes is dropped, not kept. */
const MOST_UNWRITTEN_CHARS = 64 * 1_024 * 1_024;

/**
 * Lines on their way to a file or a pipe, for which nobody waits. A timer is set only while there are some, so that an
 * idle process sleeps.
 */
export class LogSink {
  private unwritten = '';
  private dropped = 0;
  private isWriting = false;
  private isClosing = false;
  /** Closed, or whoever read the log has gone: a lost line ends no session. */
  private isOver = false;
  private timer?: NodeJS.Timeout;
  private settled: () => void = () => undefined;

  constructor(private readonly fd: number) {
    process.once('exit', () => this.writeAtExit());
  }

  write(line: string): void {
    if (this.isOver) return;
    if (this.unwritten.length > MOST_UNWRITTEN_CHARS) this.dropped += 1;
    else this.unwritten += line;
    this.flushSoon();
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.isWriting || this.unwritten === '') return;
    const bytes = Buffer.from(this.unwritten);
    this.unwritten = '';
    this.isWriting = true;
    this.put(bytes);
  }

  /** Once all is written, or cannot be. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.flush();
    if (this.isWriting) {
      await new Promise<void>((resolve) => {
        this.settled = resolve;
        setTimeout(resolve, LONGEST_LAST_WRITE_MS).unref();
      });
    }
    this.isOver = true;
  }

  /** While a write is under way, what comes is looked at when that is done. */
  private flushSoon(): void {
    if (this.isWriting) return;
    if (this.isClosing || this.unwritten.length >= WRITTEN_TOGETHER_CHARS) this.flush();
    else if (this.unwritten !== '') this.timer ??= setTimeout(() => this.flush(), LONGEST_UNWRITTEN_MS).unref();
  }

  private put(bytes: Buffer): void {
    fs.write(this.fd, bytes, (error, count) => {
      if (error?.code === 'EAGAIN') setTimeout(() => this.put(bytes), TRY_AGAIN_MS);
      else if (error) this.giveUp();
      else if (count < bytes.length) this.put(bytes.subarray(count));
      else this.written();
    });
  }

  private written(): void {
    this.isWriting = false;
    if (this.dropped > 0) this.unwritten += lineOf({ event: 'log.dropped', lines: this.dropped });
    this.dropped = 0;
    this.flushSoon();
    if (!this.isWriting) this.settled();
  }

  private giveUp(): void {
    this.isOver = true;
    this.unwritten = '';
    this.settled();
  }

  /** Nobody has closed it. Where a write is under way, whoever reads may have stopped, and this would wait for ever. */
  private writeAtExit(): void {
    if (this.isOver || this.isWriting) return;
    try {
      fs.writeSync(this.fd, this.unwritten);
    } catch {
      // nobody is there to be told
    }
  }
}

function lineOf(fields: object): string {
  return `${JSON.stringify({ level: 40, time: Date.now(), ...fields })}\n`;
}
