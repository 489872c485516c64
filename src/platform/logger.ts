import { setTimeout as pause } from 'node:timers/promises';

import { pino, type Logger as Pino } from 'pino';
import { default as pretty } from 'pino-pretty';

/** `event` is the line's stable name (`session.reaped`); a session's id goes into `sessionId`, never into the sentence. */
export type LogFields = { event: string; sessionId?: string; error?: unknown } & Record<string, unknown>;

export abstract class Logger {
  abstract debug(fields: LogFields, sentence?: string): void;
  abstract info(fields: LogFields, sentence?: string): void;
  abstract warn(fields: LogFields, sentence?: string): void;
  abstract error(fields: LogFields, sentence?: string): void;
}

export class PinoLogger extends Logger {
  constructor(
    private readonly pino: Pino,
    private readonly flush: () => void = () => undefined,
    /** Once all that was logged is written, or cannot be. */
    readonly close: () => Promise<void> = () => Promise.resolve(),
  ) {
    super();
  }

  debug(fields: LogFields, sentence?: string): void {
    this.pino.debug(fields, sentence);
  }

  info(fields: LogFields, sentence?: string): void {
    this.pino.info(fields, sentence);
  }

  warn(fields: LogFields, sentence?: string): void {
    this.pino.warn(fields, sentence);
    this.flush();
  }

  error(fields: LogFields, sentence?: string): void {
    this.pino.error(fields, sentence);
    this.flush();
  }
}

/** Lines that nobody waits for are written together: a write for each of them was a fifth of the CPU of a small request. */
const WRITTEN_TOGETHER_BYTES = 4_096;
/** What is lost at the most when the process is killed. */
const LONGEST_UNWRITTEN_MS = 50;
const LONGEST_LAST_WRITE_MS = 1_000;

/** One JSON object per line; readable text where a person watches. */
export function createLogger(level: string): PinoLogger {
  const options = { level, base: undefined, serializers: { error: pino.stdSerializers.errWithCause } };
  if (process.stdout.isTTY) {
    return new PinoLogger(pino(options, pretty({ sync: true, ignore: 'event', translateTime: 'SYS:HH:MM:ss.l' })));
  }
  const sink = pino.destination({ dest: 1, sync: false, minLength: WRITTEN_TOGETHER_BYTES });
  let isClosed = false;
  const flush = (): void => {
    if (!isClosed) sink.flush();
  };
  const write = (line: string): void => {
    if (!isClosed) sink.write(line);
  };
  const writing = flushedSoon(write, flush);
  sink.on('write', (bytes: number) => writing.written(bytes)).on('error', () => writing.stop());
  return new PinoLogger(pino(options, writing), flush, () => {
    isClosed = true;
    return closed(sink);
  });
}

/** Its own `end` writes on until nothing is left. */
async function closed(sink: ReturnType<typeof pino.destination>): Promise<void> {
  const over = new Promise<void>((resolve) => void sink.once('close', resolve).once('error', () => resolve()));
  sink.end();
  await Promise.race([over, pause(LONGEST_LAST_WRITE_MS, undefined, { ref: false })]);
  // What the library does at exit it tries for ever where whoever read the log has gone, or has stopped reading.
  sink.flushSync = () => undefined;
}

/**
 * A timer for lines that are there, where the sink's own would wake an idle process twenty times a second for nothing.
 * It goes on until all is written: while a write is under way, the sink takes no notice of being asked for the next.
 */
function flushedSoon(write: (line: string) => void, flush: () => void) {
  let unwrittenBytes = 0;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const beDueSoon = (): void => {
    timer ??= setTimeout(due, LONGEST_UNWRITTEN_MS).unref();
  };
  const due = (): void => {
    timer = undefined;
    if (unwrittenBytes === 0 || isStopped) return;
    flush();
    beDueSoon();
  };
  return {
    write: (line: string): void => {
      if (isStopped) return;
      unwrittenBytes += Buffer.byteLength(line);
      write(line);
      beDueSoon();
    },
    written: (bytes: number): void => {
      unwrittenBytes = Math.max(0, unwrittenBytes - bytes);
    },
    /** Whoever read the log has gone, or it cannot be written: a lost line ends no session. */
    stop: (): void => {
      isStopped = true;
    },
  };
}
