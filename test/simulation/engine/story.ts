interface Line {
  atMs: number;
  who: string;
  what: string;
}

/** What happened, in order: for the person who has to understand a failing seed. */
export class Story {
  private readonly lines: Line[] = [];

  constructor(private readonly nowMs: () => number) {}

  tell(who: string, what: string): void {
    this.lines.push({ atMs: this.nowMs(), who, what });
  }

  text(): string {
    return this.lines.map(written).join('\n');
  }

  /** Two runs that differ anywhere have another one (FNV-1a of the text). */
  hash(): string {
    let hash = 0x811c9dc5;
    for (const line of this.lines) {
      const text = written(line);
      for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    }
    return (hash >>> 0).toString(16).padStart(8, '0');
  }
}

function written({ atMs, who, what }: Line): string {
  return `${(atMs / 1_000).toFixed(4).padStart(9)}  ${who.padEnd(12)} ${what}`;
}
