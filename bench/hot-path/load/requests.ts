import type { ClosedJob, PacedJob } from './job.js';
import { paced } from './schedule.js';
import type { Tally } from './tally.js';
import { requestBytes, Wire } from './wire.js';

/** A connection that cannot be had is not tried again at once for ever. */
const MOST_WIRES = 1_024;

export function closed({ ways, headers, connections, bodyBytes }: ClosedJob, tally: Tally): () => void {
  const wires = new Set<Wire>();
  let isOver = false;
  const run = (at: number): void => {
    const way = ways[at % ways.length]!;
    const bytes = requestBytes(way, headers, bodyBytes);
    const wire = new Wire(way);
    wires.add(wire);
    let sentMs = 0;
    const answered = (status: number): void => {
      if (isOver) return;
      if (status > 0) tally.took(performance.now() - sentMs, status);
      else tally.fail();
      if (!wire.isClosed) return ask();
      wires.delete(wire);
      setTimeout(() => isOver || run(at), 10);
    };
    const ask = (): void => {
      sentMs = performance.now();
      wire.send(bytes, answered);
    };
    ask();
  };
  for (let at = 0; at < connections; at += 1) run(at);
  return () => {
    isOver = true;
    for (const wire of wires) wire.destroy();
  };
}

export function open({ ways, headers, rate, bodyBytes }: PacedJob, tally: Tally): () => void {
  const lanes = ways.map((way) => new Lane(() => new Wire(way), requestBytes(way, headers, bodyBytes), tally));
  let turn = 0;
  const stop = paced(rate, (dueMs) => lanes[turn++ % lanes.length]!.ask(dueMs));
  return () => {
    stop();
    for (const lane of lanes) lane.close();
  };
}

/** As many connections as there are requests under way at the same time; beyond a bound they queue, and the wait counts. */
class Lane {
  private readonly idle: Wire[] = [];
  private readonly wires = new Set<Wire>();
  private readonly queue: number[] = [];
  private isOver = false;

  constructor(
    private readonly connect: () => Wire,
    private readonly bytes: Buffer,
    private readonly tally: Tally,
  ) {}

  ask(dueMs: number): void {
    const wire = this.idle.pop() ?? this.more();
    if (wire) this.send(wire, dueMs);
    else this.queue.push(dueMs);
  }

  close(): void {
    this.isOver = true;
    for (const wire of this.wires) wire.destroy();
  }

  private more(): Wire | undefined {
    if (this.wires.size >= MOST_WIRES) return undefined;
    const wire = this.connect();
    this.wires.add(wire);
    return wire;
  }

  private send(wire: Wire, dueMs: number): void {
    wire.send(this.bytes, (status) => {
      if (this.isOver) return;
      if (status > 0) this.tally.took(performance.now() - dueMs, status);
      else this.tally.fail();
      if (wire.isClosed) this.wires.delete(wire);
      const next = this.queue.shift();
      if (next !== undefined) return void (wire.isClosed ? this.ask(next) : this.send(wire, next));
      if (!wire.isClosed) this.idle.push(wire);
    });
  }
}
