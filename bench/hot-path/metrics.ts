/** What the metrics of a replica say of one series: the sum of those that have all of these labels. */
export async function readMetric(url: string, name: string, labels: Record<string, string> = {}): Promise<number> {
  const text = await (await fetch(url)).text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  const meant = lines.filter((line) => wanted.every((label) => line.includes(label)));
  return meant.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
