import fs from 'node:fs';

/** A write for each line was a fifth of the CPU of a small request: they are written together when so much has come. */
const WRITTEN_TOGETHER_CHARS = 16 * 1_024;
/** What is lost at the most when the process is killed. */
const LONGEST_UNWRITTEN_MS = 50;
const LONGEST_LAST_WRITE_MS = 1_000;
/** Whoever reads has stopped, or reads too slowly, for so long that what comes is dropped, not kept. */
const MOST_WAITING_CHARS = 8 * 1_024 * 1_024;
/** How long to wait for a full pipe: doubles until something could be written. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 100;

const SLEEPER = new Int32Array(new SharedArrayBuffer(4));

/**
 * Lines on their way to a file or a pipe, for which nobody waits. A timer is set only while there are some, so that an
 * idle process sleeps.
 */
export class LogSink {
  private gathering = '';
  private readonly waiting: string[] = [];
  private waitingChars = 0;
  private dropped = 0;
  private isWriting = false;
  /** What a full pipe did not take, until it is tried again. */
  private refused?: Buffer;
  private waitMs = FIRST_WAIT_MS;
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
    if (this.waitingChars > MOST_WAITING_CHARS) this.dropped += 1;
    else this.gather(line);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.gathering !== '') {
      this.waiting.push(this.gathering);
      this.waitingChars += this.gathering.length;
      this.gathering = '';
    }
    this.writeNext();
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

  private gather(line: string): void {
    this.gathering += line;
    if (this.isClosing || this.gathering.length >= WRITTEN_TOGETHER_CHARS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), LONGEST_UNWRITTEN_MS).unref();
  }

  private writeNext(): void {
    if (this.isWriting) return;
    const text = this.waiting.shift();
    if (text === undefined) return this.settled();
    this.waitingChars -= text.length;
    this.isWriting = true;
    this.put(Buffer.from(text));
  }

  private put(bytes: Buffer): void {
    this.refused = undefined;
    fs.write(this.fd, bytes, (error, count) => {
      if (error?.code === 'EAGAIN') return this.tryAgain(bytes);
      if (error) return this.giveUp();
      this.waitMs = FIRST_WAIT_MS;
      if (count < bytes.length) this.put(bytes.subarray(count));
      else this.written();
    });
  }

  /** The timer keeps the process alive: a program that comes to its end by itself has its log written first. */
  private tryAgain(bytes: Buffer): void {
    this.refused = bytes;
    setTimeout(() => this.put(bytes), this.waitMs);
    this.waitMs = Math.min(this.waitMs * 2, LONGEST_WAIT_MS);
  }

  private written(): void {
    this.isWriting = false;
    const { dropped } = this;
    this.dropped = 0;
    if (dropped > 0) this.gather(lineOf({ event: 'log.dropped', lines: dropped }));
    this.writeNext();
  }

  private giveUp(): void {
    this.isOver = true;
    this.waiting.length = 0;
    this.settled();
  }

  /** Nobody has closed it. What is with the kernel by now is the kernel's; all else is written while somebody reads. */
  private writeAtExit(): void {
    if (this.isOver) return;
    const text = Buffer.from(this.waiting.join('') + this.gathering);
    let left = this.refused ? Buffer.concat([this.refused, text]) : text;
    const giveUpAtMs = Date.now() + LONGEST_LAST_WRITE_MS;
    while (left.length > 0 && Date.now() < giveUpAtMs) {
      try {
        left = left.subarray(fs.writeSync(this.fd, left));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        Atomics.wait(SLEEPER, 0, 0, FIRST_WAIT_MS);
      }
    }
  }
}

function lineOf(fields: object): string {
  return `${JSON.stringify({ level: 40, time: Date.now(), ...fields })}\n`;
}
