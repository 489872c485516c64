import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** One request as it stood on the wire. */
export interface Recorded {
  /** The first line. */
  line: string;
  /** Name and value of each further line, in the order in which they came. */
  fields: [string, string][];
  body: string;
}

const FIELD = /^([!#$%&'*+.^_`|~0-9a-z-]+): (.*)$/;
const HEAD_END = '\r\n\r\n';

/**
 * A pod that writes down each byte it gets and reads requests more strictly than any server does: what could be read in
 * two ways, or comes before it was its turn, is a fault. It answers `<name line body>`, so that one sees whose answer it is.
 */
export class RecordingPod {
  readonly requests: Recorded[] = [];
  readonly faults: string[] = [];
  /** All that came on each connection. */
  readonly heard: string[] = [];
  /** Answers wait for it. */
  gate?: (request: Recorded) => Promise<void>;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  constructor(readonly name: string) {
    this.server = createServer((socket) => this.take(socket));
  }

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What was asked, with the bodies. */
  get seen(): string[] {
    return this.requests.map(({ line, body }) => `${line.replace(/ HTTP\/1\.1$/, '')} ${body}`.trimEnd());
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(socket: Socket): void {
    const at = this.heard.push('') - 1;
    let rest = '';
    let isAnswering = false;
    this.sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => this.sockets.delete(socket));
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.heard[at] += text;
      if (isAnswering) this.faults.push(`before its turn: ${text}`);
      rest += text;
      const whole = this.read(rest);
      if (!whole) return;
      rest = rest.slice(whole.length);
      if (rest) this.faults.push(`behind its request: ${rest}`);
      isAnswering = true;
      void this.answer(socket, whole.request).finally(() => (isAnswering = false));
    });
  }

  private read(text: string): { request: Recorded; length: number } | undefined {
    const headLength = text.indexOf(HEAD_END) + HEAD_END.length;
    if (headLength < HEAD_END.length) return undefined;
    const [line, ...rest] = text.slice(0, headLength - HEAD_END.length).split('\r\n') as [string, ...string[]];
    if (!/^[A-Z-]+ [\x21-\xff]+ HTTP\/1\.1$/.test(line)) this.faults.push(`no request: ${line}`);
    const fields = rest.map((entry) => this.field(entry));
    const body = this.bodyOf(fields, text.slice(headLength));
    if (!body) return undefined;
    const request = { line, fields, body: body.text };
    this.requests.push(request);
    return { request, length: headLength + body.length };
  }

  private field(entry: string): [string, string] {
    const [, name, value] = FIELD.exec(entry) ?? [];
    // eslint-disable-next-line no-control-regex
    if (name === undefined || /[\0-\x08\x0a-\x1f\x7f]/.test(value!)) this.faults.push(`no field: ${entry}`);
    return [name ?? '', value ?? ''];
  }

  /** Undefined while some of it has not come. */
  private bodyOf(fields: [string, string][], text: string): { text: string; length: number } | undefined {
    const lengths = fields.filter(([name]) => name === 'content-length');
    const codings = fields.filter(([name]) => name === 'transfer-encoding');
    if (lengths.length + codings.length > 1) this.faults.push('more than one length');
    if (codings.length > 0) return chunksIn(text);
    const length = Number(lengths[0]?.[1] ?? 0);
    return text.length < length ? undefined : { text: text.slice(0, length), length };
  }

  private async answer(socket: Socket, request: Recorded): Promise<void> {
    await this.gate?.(request);
    const text = `<${this.name} ${request.line} ${request.body}>`;
    const body = request.line.startsWith('HEAD ') ? '' : text;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}${HEAD_END}${body}`, 'latin1');
  }
}

function chunksIn(text: string): { text: string; length: number } | undefined {
  let whole = '';
  for (let at = 0; ;) {
    const [line, size] = /^([0-9a-f]+)\r\n/.exec(text.slice(at)) ?? [];
    if (line === undefined || size === undefined) return undefined;
    const from = at + line.length;
    const to = from + parseInt(size, 16);
    if (text.length < to + 2 || text.slice(to, to + 2) !== '\r\n') return undefined;
    if (from === to) return { text: whole, length: to + 2 };
    whole += text.slice(from, to);
    at = to + 2;
  }
}
