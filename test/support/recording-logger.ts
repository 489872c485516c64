import { inspect } from 'node:util';

import { type LogFields, Logger } from '../../src/platform/logger.js';

export interface LogLine extends LogFields {
  level: 'debug' | 'info' | 'warn' | 'error';
  sentence?: string;
}

/** Keeps what was logged, so that a test can say what must, and what must never, be in it. */
export class RecordingLogger extends Logger {
  readonly lines: LogLine[] = [];

  debug(fields: LogFields, sentence?: string): void {
    this.lines.push({ ...fields, level: 'debug', sentence });
  }

  info(fields: LogFields, sentence?: string): void {
    this.lines.push({ ...fields, level: 'info', sentence });
  }

  warn(fields: LogFields, sentence?: string): void {
    this.lines.push({ ...fields, level: 'warn', sentence });
  }

  error(fields: LogFields, sentence?: string): void {
    this.lines.push({ ...fields, level: 'error', sentence });
  }

  of(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** Everything, errors with their causes and properties included. */
  get text(): string {
    return inspect(this.lines, { depth: 20, maxStringLength: null, maxArrayLength: null });
  }
}
