import { Logger } from '../../src/platform/logger.js';

export class SilentLogger extends Logger {
  debug(): void {}
  info(): void {}
  warn(): void {}
  error(): void {}
}
