const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}

/** Writes lines for a person: time, level, sentence. What a client sent is never part of one. */
export class Log {
  constructor(
    private readonly least: LogLevel,
    private readonly write: (line: string) => void,
  ) {}

  info(sentence: string): void {
    this.line('info', sentence);
  }

  warn(sentence: string): void {
    this.line('warn', sentence);
  }

  error(sentence: string): void {
    this.line('error', sentence);
  }

  private line(level: LogLevel, sentence: string): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.least)) return;
    this.write(`${new Date().toISOString()} ${level.padEnd(5)} ${sentence}\n`);
  }
}
