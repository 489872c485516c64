/**
 * One WebSocket through Berth, from the handshake to the end of both connections. Its bytes pass unread in both
 * directions; only where the pod's frames begin and end is followed, for there is one thing that Berth itself may
 * have to say: that this replica stops (close 1012), and it can be said between two frames only.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import type { Admission } from '../../../lifecycle/sessions.js';
import { GatewayError } from '../../problem.js';
import type { UpgradeExchange } from '../exchange.js';
import { type AnswerFields, headersFromPod, headersToPod, onlyBearerSubprotocol } from '../header-passes.js';
import { peerOf } from '../peer.js';
import type { Surroundings } from '../pod-request.js';
import { closeGently, destroyUnlessFollowed, GRACE_MS } from '../raw-answer.js';
import { NO_SLOT } from '../slots.js';
import type { Watched } from '../stream-watch.js';
import { closeFrame, FrameBoundary } from './frame-boundary.js';
import { hearHangUp } from './client-hang-up.js';
import { OneSocketAgent } from './one-socket-agent.js';

export interface TunnelParts {
  exchange: UpgradeExchange;
  admission: Admission;
  podSocket: Socket;
  podPath: string;
}

const SERVICE_RESTART = { code: 1012, reason: 'service restart' };
const GOING_AWAY = { code: 1001, reason: 'nothing was sent for too long' };

type Stage = 'asking' | 'declined' | 'open' | 'closing' | 'closed';

export class WebSocketTunnel implements Watched {
  readonly agent: OneSocketAgent;
  readonly socket: Socket;
  slot = NO_SLOT;
  seenBytes = 0;
  movedAtMs = 0;
  private stage: Stage = 'asking';
  private readonly boundary = new FrameBoundary();
  private readonly stopListening: () => void;
  private readonly startedAtMs: number;
  private handshake?: ClientRequest;
  private lastWord = SERVICE_RESTART;

  constructor(
    private readonly parts: TunnelParts,
    private readonly around: Surroundings,
  ) {
    const { exchange, admission, podSocket } = parts;
    this.agent = new OneSocketAgent(podSocket);
    this.socket = exchange.socket as Socket;
    this.stopListening = hearHangUp(this.socket);
    this.startedAtMs = around.clock.monotonicMs();
    around.watch.add(this);
    exchange.onOver(() => {
      around.watch.remove(this);
      admission.release();
      closeGently(podSocket, around.clock);
    });
    podSocket.once('close', () => this.podClosed());
  }

  /** The request to the pod is made but not sent: its head becomes what the passes say, and nothing else. */
  prepare(handshake: ClientRequest): void {
    const { exchange, admission, podPath } = this.parts;
    this.handshake = handshake;
    for (const name of handshake.getHeaderNames()) handshake.removeHeader(name);
    const facts = { session: admission, requestId: exchange.requestId, ...peerOf(this.socket) };
    const fields = headersToPod(exchange.req.rawHeaders, facts);
    for (let at = 0; at < fields.length; at += 2) handshake.appendHeader(fields[at]!, fields[at + 1]!);
    handshake.setHeader('connection', 'Upgrade');
    handshake.setHeader('upgrade', 'websocket');
    handshake.path = podPath;
    handshake.once('upgrade', (res) => this.accepted(res));
    handshake.once('response', (res) => this.declined(res));
  }

  /** Both connections are joined; the pod's bytes have not begun to flow. */
  joined(): void {
    this.parts.podSocket.on('data', this.follow);
    const { exchange } = this.parts;
    exchange.closeForRestart = () => this.close(SERVICE_RESTART);
    if (exchange.isRestartDue) exchange.closeForRestart();
  }

  /** What to tell the client of a handshake that failed; nothing once it has been answered. */
  problemOf(error: Error): Error | undefined {
    if (this.stage !== 'asking') return undefined;
    if (error instanceof GatewayError) return error;
    this.around.metrics.failed('lost');
    return new GatewayError('POD_LOST', 'The pod closed the connection before it answered.', { cause: error });
  }

  quietLimitMs(): number {
    const { firstByteMs, idleStreamMs } = this.around.timeouts;
    return this.stage === 'asking' ? firstByteMs : idleStreamMs;
  }

  onQuiet(): void {
    const { metrics, timeouts } = this.around;
    metrics.failed(this.stage === 'asking' ? 'first_byte_timeout' : 'idle_timeout');
    if (this.stage === 'open') return this.close(GOING_AWAY);
    if (this.stage !== 'asking') return void this.socket.destroy();
    const seconds = timeouts.firstByteMs / 1_000;
    this.handshake?.destroy(new GatewayError('POD_LOST', `The pod did not answer within ${seconds} seconds.`));
  }

  /** Says goodbye at the next boundary; what the client answers still goes to the pod. */
  private close(lastWord: typeof SERVICE_RESTART): void {
    if (this.stage !== 'open') return;
    this.stage = 'closing';
    this.lastWord = lastWord;
    const { podSocket } = this.parts;
    podSocket.unpipe(this.socket);
    podSocket.once('end', () => this.socket.end());
    if (this.boundary.isBetweenFrames) this.sayGoodbye();
    this.resumePod();
  }

  private readonly follow = (chunk: Buffer): void => {
    if (this.stage === 'open') return this.boundary.follow(chunk);
    if (this.stage !== 'closing') return; // after a close frame nothing may follow: RFC 6455 section 5.5.1
    const end = this.boundary.followToBoundary(chunk);
    if (end > 0 && !this.socket.write(chunk.subarray(0, end))) this.resumePod();
    if (this.boundary.isBetweenFrames) this.sayGoodbye();
  };

  private sayGoodbye(): void {
    this.stage = 'closed';
    const { code, reason } = this.lastWord;
    if (!this.boundary.isClosed) this.socket.write(closeFrame(code, reason));
    const timer = this.around.clock.after(GRACE_MS, () => this.socket.destroy());
    this.socket.once('close', () => timer.cancel());
  }

  /** At the client's pace. */
  private resumePod(): void {
    const { podSocket } = this.parts;
    if (!this.socket.writableNeedDrain) return void podSocket.resume();
    podSocket.pause();
    this.socket.once('drain', () => podSocket.resume());
  }

  private accepted(res: IncomingMessage): void {
    const { exchange } = this.parts;
    this.stage = 'open';
    this.stopListening();
    this.hearOutClient();
    exchange.status = 101;
    const fields = this.answerFields(res);
    fields.push('Connection', 'Upgrade', 'Upgrade', 'websocket');
    // Chrome gives up a WebSocket for which it offered a subprotocol and none was chosen.
    const bearer = onlyBearerSubprotocol(exchange.req.headers['sec-websocket-protocol']);
    if (bearer !== undefined && res.headers['sec-websocket-protocol'] === undefined) {
      fields.push('Sec-WebSocket-Protocol', bearer);
    }
    res.headers = headersOf(fields);
  }

  /** The pod answers with something else than 101; its answer is passed on and ends the connection. */
  private declined(res: IncomingMessage): void {
    this.stage = 'declined';
    this.stopListening();
    this.parts.exchange.status = res.statusCode ?? 502;
    const framing = res.headers['transfer-encoding'];
    res.headers = headersOf(this.answerFields(res));
    if (framing !== undefined) res.headers['transfer-encoding'] = framing;
    this.socket.resume();
    destroyUnlessFollowed(this.socket, this.around.clock);
  }

  private answerFields(res: IncomingMessage): AnswerFields {
    const { exchange, admission: session } = this.parts;
    const podMs = this.around.clock.monotonicMs() - this.startedAtMs;
    return headersFromPod(res.rawHeaders, { session, requestId: exchange.requestId, podMs });
  }

  /**
   * A pod that has finished still gets what the client says, which may be the answer to its close frame, until the client
   * has finished too. Node would end our side of the pod's connection at once.
   */
  private hearOutClient(): void {
    const { podSocket } = this.parts;
    podSocket.allowHalfOpen = true;
    podSocket.once('end', () => destroyUnlessFollowed(this.socket, this.around.clock));
  }

  private podClosed(): void {
    if (this.stage === 'asking' || this.stage === 'declined') return; // the handshake's own events tell
    closeGently(this.socket, this.around.clock);
  }
}

function headersOf(fields: AnswerFields): IncomingMessage['headers'] {
  const headers: Record<string, string | string[]> = {};
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    const before = headers[name];
    headers[name] = before === undefined ? fields[at + 1]! : [before, fields[at + 1]!].flat();
  }
  return headers;
}
