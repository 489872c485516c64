const MOST_LINES = 10_000;

/** What one run of a container printed, line by line. */
export class ContainerLog {
  private lines: Buffer[] = [];
  private dropped = 0;
  private partial = Buffer.alloc(0);
  private isOver = false;
  private readonly readers = new Set<() => void>();

  write(chunk: Buffer): void {
    let rest = Buffer.concat([this.partial, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      this.lines.push(rest.subarray(0, end + 1));
      rest = rest.subarray(end + 1);
    }
    this.partial = rest;
    const excess = this.lines.length - MOST_LINES;
    if (excess > 0) this.dropped += this.lines.splice(0, excess).length;
    this.wake();
  }

  end(): void {
    if (this.partial.length > 0) this.write(Buffer.from('\n'));
    this.isOver = true;
    this.wake();
  }

  last(lines: number): string {
    return Buffer.concat(this.lines.slice(-lines)).toString();
  }

  async *read(options: { tailLines?: number; follow: boolean; signal: AbortSignal }): AsyncGenerator<Buffer> {
    const { tailLines = Infinity, follow, signal } = options;
    let next = Math.max(this.dropped, this.dropped + this.lines.length - tailLines);
    for (;;) {
      const from = Math.max(0, next - this.dropped);
      const fresh = this.lines.slice(from);
      next = this.dropped + this.lines.length;
      if (fresh.length > 0) yield Buffer.concat(fresh);
      else if (!follow || this.isOver || signal.aborted) return;
      else await this.change(signal);
    }
  }

  private change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        this.readers.delete(go);
        signal.removeEventListener('abort', go);
        resolve();
      };
      this.readers.add(go);
      signal.addEventListener('abort', go);
    });
  }

  private wake(): void {
    for (const go of [...this.readers]) go();
  }
}
