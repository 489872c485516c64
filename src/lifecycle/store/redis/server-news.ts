import type { Logger } from '../../../platform/logger.js';

/** Tells the log that the server is away, or is there and refuses: once when that begins and once when it is over. */
export class ServerNews {
  private isAway = false;

  constructor(
    private readonly server: string,
    private readonly logger: Logger,
  ) {}

  wentAway(error: Error): void {
    if (this.isAway) return;
    this.isAway = true;
    const sentence = `The store, Redis at ${this.server}, is away; it is asked again until it is back.`;
    this.logger.warn({ event: 'redis.away', server: this.server, error }, sentence);
  }

  cameBack(): void {
    if (!this.isAway) return;
    this.isAway = false;
    this.logger.info({ event: 'redis.back', server: this.server }, `The store, Redis at ${this.server}, answers.`);
  }

  refused(error: Error): void {
    const sentence = `The store, Redis at ${this.server}, is there and refuses changes: sessions are neither opened nor healed until it takes them.`;
    this.logger.error({ event: 'redis.refuses', server: this.server, error }, sentence);
  }

  accepted(): void {
    const sentence = `The store, Redis at ${this.server}, takes changes again.`;
    this.logger.info({ event: 'redis.accepts', server: this.server }, sentence);
  }
}
