import { short, type Spread } from './figures.js';

export interface Bar {
  label: string;
  spread: Spread;
}

const WIDTH = 720;
const LEFT = 190;
const RIGHT = 90;
const BAR = 22;
const GAP = 12;
const TOP = 44;
const COLOURS: Record<string, string> = { Berth: '#2563eb', direct: '#94a3b8' };
const OTHERS = '#d97706';

/** Bars are medians, the thin lines on them reach from the least to the greatest round. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ spread }) => spread.max));
  const x = (value: number): number => LEFT + (value / most) * (WIDTH - LEFT - RIGHT);
  const height = TOP + bars.length * (BAR + GAP) + GAP;
  const drawn = bars.map((bar, at) => drawBar(bar, TOP + at * (BAR + GAP), x));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="12" y="24" font-size="15" font-weight="bold">${escape(title)}</text>
<text x="${WIDTH - 12}" y="24" text-anchor="end" fill="#475569">${escape(unit)}</text>
${drawn.join('\n')}
</svg>
`;
}

function drawBar({ label, spread }: Bar, y: number, x: (value: number) => number): string {
  const { min, median, max } = spread;
  const middle = y + BAR / 2;
  return [
    `<text x="${LEFT - 10}" y="${middle + 4}" text-anchor="end">${escape(label)}</text>`,
    `<rect x="${LEFT}" y="${y}" width="${(x(median) - LEFT).toFixed(1)}" height="${BAR}" fill="${COLOURS[label] ?? OTHERS}"/>`,
    `<path d="M${x(min).toFixed(1)} ${middle}H${x(max).toFixed(1)}" stroke="#0f172a" stroke-width="1.5"/>`,
    `<text x="${(x(max) + 8).toFixed(1)}" y="${middle + 4}">${short(median)}</text>`,
  ].join('\n');
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
