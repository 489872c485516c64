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
  constructor(private readonly pino: Pino) {
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
  }

  error(fields: LogFields, sentence?: string): void {
    this.pino.error(fields, sentence);
  }
}

/** One JSON object per line; readable text where a person watches. */
export function createLogger(level: string): PinoLogger {
  const options = { level, base: undefined, serializers: { error: pino.stdSerializers.errWithCause } };
  const isWatched = process.stdout.isTTY;
  const sink = isWatched
    ? pretty({ sync: true, ignore: 'event', translateTime: 'SYS:HH:MM:ss.l' })
    : pino.destination({ dest: 1, sync: false, minLength: 0 });
  return new PinoLogger(pino(options, sink));
}
