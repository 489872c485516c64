import { pino, type Logger as Pino } from 'pino';
import { default as pretty } from 'pino-pretty';

import { LogSink } from './log-sink.js';

/** `event` is the line's stable name (`session.reaped`); a session's id goes into `sessionId`, never into the sentence. */
export type LogFields = { event: string; sessionId?: string; error?: unknown } & Record<string, unknown>;

const STANDARD_OUTPUT = 1;

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

/** One JSON object per line; readable text where a person watches. */
export function createLogger(level: string): PinoLogger {
  const options = { level, base: undefined, serializers: { error: pino.stdSerializers.errWithCause } };
  if (process.stdout.isTTY) {
    return new PinoLogger(pino(options, pretty({ sync: true, ignore: 'event', translateTime: 'SYS:HH:MM:ss.l' })));
  }
  const sink = new LogSink(STANDARD_OUTPUT);
  return new PinoLogger(
    pino(options, sink),
    () => sink.flush(),
    () => sink.close(),
  );
}
