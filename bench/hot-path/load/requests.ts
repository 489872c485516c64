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

export function open({ ways, headers, rate, bodyBytes, connections }: PacedJob, tally: Tally): () => void {
  const lanes = ways.map((way) => new Lane(() => new Wire(way), requestBytes(way, headers, bodyBytes), tally));
  let turn = 0;
  let stop = (): void => undefined;
  const begin = (): void => {
    stop = paced(rate, (dueMs) => lanes[turn++ % lanes.length]!.ask(dueMs));
  };
  if (connections === undefined) begin();
  else void Promise.all(lanes.map((lane) => lane.openAhead(Math.ceil(connections / ways.length)))).then(begin);
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
  private most = MOST_WIRES;

  constructor(
    private readonly connect: () => Wire,
    private readonly bytes: Buffer,
    private readonly tally: Tally,
  ) {}

  /** One after the other: who is being asked much takes one new connection at each turn, and the rest wait for seconds. */
  async openAhead(connections: number): Promise<void> {
    this.most = 0;
    while (this.wires.size < connections) {
      const wire = this.another();
      await wire.connected();
      this.idle.push(wire);
    }
  }

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
    return this.wires.size < this.most ? this.another() : undefined;
  }

  private another(): Wire {
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
      this.next(wire);
    });
  }

  /** What has waited longest, on a connection that has nothing to do. */
  private next(wire: Wire): void {
    const dueMs = this.queue.shift();
    if (dueMs !== undefined) return void (wire.isClosed ? this.ask(dueMs) : this.send(wire, dueMs));
    if (!wire.isClosed) this.idle.push(wire);
  }
}
