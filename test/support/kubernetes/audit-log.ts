import { closeSync, openSync, readSync } from 'node:fs';

export interface AuditEvent {
  verb: string;
  requestURI: string;
  user: { username: string };
  userAgent?: string;
  objectRef?: { resource: string; namespace?: string; name?: string; subresource?: string };
  responseStatus?: { code?: number };
  stage: string;
  requestReceivedTimestamp: string;
}

const PIECE_BYTES = 1 << 20;

/** What the log of an API server says of one namespace. All suites share the log: what was read once is not read again. */
export class AuditLog {
  private readonly events: AuditEvent[] = [];
  private readonly piece = Buffer.alloc(PIECE_BYTES);
  private readBytes = 0;
  /** The beginning of a line that is still being written. */
  private rest = '';

  constructor(
    private readonly path: string,
    private readonly namespace: string,
  ) {}

  soFar(): AuditEvent[] {
    const file = openSync(this.path, 'r');
    try {
      for (let length = -1; length !== 0; this.readBytes += length) {
        length = readSync(file, this.piece, 0, PIECE_BYTES, this.readBytes);
        this.take(this.piece.toString('latin1', 0, length));
      }
    } finally {
      closeSync(file);
    }
    return [...this.events];
  }

  private take(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop()!;
    for (const line of lines.filter((one) => one.includes(this.namespace))) {
      const event = JSON.parse(line) as AuditEvent;
      if (event.objectRef?.namespace === this.namespace) this.events.push(event);
    }
  }
}
