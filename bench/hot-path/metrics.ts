/** What the metrics of a replica say at one moment. */
export async function readMetrics(url: string): Promise<Metrics> {
  return new Metrics(await (await fetch(url)).text());
}

class Metrics {
  constructor(private readonly text: string) {}

  /** The sum of those series of this name that have all of these labels. */
  sum(name: string, labels: Record<string, string> = {}): number {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const lines = this.text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    const meant = lines.filter((line) => wanted.every((label) => line.includes(label)));
    return meant.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
}
