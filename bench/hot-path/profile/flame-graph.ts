import { escape } from '../charts.js';
import type { Frame, Origin } from './cpu-profile.js';

const WIDTH = 1_200;
const ROW = 17;
const TOP = 56;
const LETTER = 6.2;
/** Narrower than this nothing can be seen. */
const LEAST_PX = 0.6;

const COLOURS: Record<Origin, string> = {
  Berth: '#60a5fa',
  libraries: '#c4b5fd',
  Node: '#fcd34d',
  'native code': '#cbd5e1',
  'garbage collection': '#fca5a5',
};

interface Box {
  frame: Frame;
  x: number;
  depth: number;
}

/** As wide as the time that was spent in a function and in what it called, which stands above it. */
export function flameGraph(title: string, root: Frame): string {
  const pxPerUs = WIDTH / root.wholeUs;
  const boxes = boxesOf(root, pxPerUs);
  const rows = Math.max(...boxes.map(({ depth }) => depth)) + 1;
  const height = TOP + rows * ROW + 8;
  const drawn = boxes.map((box) => drawBox(box, { pxPerUs, y: height - 8 - (box.depth + 1) * ROW, root }));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="8" y="20" font-size="15" font-weight="bold">${escape(title)}</text>
${legend()}
${drawn.join('\n')}
</svg>
`;
}

function boxesOf(root: Frame, pxPerUs: number): Box[] {
  const boxes: Box[] = [];
  const open: Box[] = [{ frame: root, x: 0, depth: 0 }];
  for (let box = open.pop(); box; box = open.pop()) {
    boxes.push(box);
    let x = box.x;
    for (const frame of [...box.frame.called.values()].sort((one, other) => other.wholeUs - one.wholeUs)) {
      if (frame.wholeUs * pxPerUs >= LEAST_PX) open.push({ frame, x, depth: box.depth + 1 });
      x += frame.wholeUs * pxPerUs;
    }
  }
  return boxes;
}

function drawBox({ frame, x }: Box, { pxPerUs, y, root }: { pxPerUs: number; y: number; root: Frame }): string {
  const width = frame.wholeUs * pxPerUs;
  const letters = Math.floor((width - 4) / LETTER);
  const name = frame.name.length > letters ? `${frame.name.slice(0, Math.max(0, letters - 1))}…` : frame.name;
  const text = letters < 3 ? '' : `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${escape(name)}</text>`;
  const part = ((frame.wholeUs / root.wholeUs) * 100).toFixed(1);
  return `<g><title>${escape(frame.name)} (${frame.origin}), ${part} %</title><rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${COLOURS[frame.origin]}"/>${text}</g>`;
}

function legend(): string {
  const entries = Object.entries(COLOURS).map(
    ([origin, colour], at) =>
      `<rect x="${8 + at * 130}" y="32" width="12" height="12" fill="${colour}"/><text x="${24 + at * 130}" y="42">${origin}</text>`,
  );
  return entries.join('\n');
}
