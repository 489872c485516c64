import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

import type { RunningControlPlane } from './kubernetes/index.js';

/** What an API server is asked; `path` with its query. */
export interface Asked {
  method: string;
  path: string;
}

/** An answer instead of the API server's, or none although it was asked. */
export type Instead = { status: number; body?: object | string; retryAfterSeconds?: number } | 'lose the answer';

interface Rule {
  which: (asked: Asked) => boolean;
  instead: Instead;
  timesLeft: number;
  met: number;
}

/** How often a rule was met so far, and an end to it. */
export interface Standing {
  readonly met: number;
  callOff(): void;
}

/** Stands before an API server, with its certificate, and answers some calls itself. */
export class ApiFront {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private rules: Rule[] = [];

  private constructor(private readonly controlPlane: RunningControlPlane) {
    const { certFile, keyFile } = controlPlane.certificate;
    const keys = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    this.server = createServer({ ...keys, keepAliveTimeout: 0 }, (question, answer) => this.take(question, answer));
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async before(controlPlane: RunningControlPlane): Promise<ApiFront> {
    const front = new ApiFront(controlPlane);
    front.server.listen(0, '127.0.0.1');
    await once(front.server, 'listening');
    return front;
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The latest rule that fits decides. */
  answer(which: (asked: Asked) => boolean, instead: Instead, times = Infinity): Standing {
    const rule: Rule = { which, instead, timesLeft: times, met: 0 };
    this.rules.unshift(rule);
    return {
      get met() {
        return rule.met;
      },
      callOff: () => void (this.rules = this.rules.filter((one) => one !== rule)),
    };
  }

  /** Breaks what is open, watches too. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private take(question: IncomingMessage, answer: ServerResponse): void {
    const asked = { method: question.method ?? '', path: question.url ?? '' };
    const rule = this.rules.find(({ which, timesLeft }) => timesLeft > 0 && which(asked));
    if (rule) {
      rule.met += 1;
      rule.timesLeft -= 1;
    }
    if (rule && rule.instead !== 'lose the answer') return say(rule.instead, question, answer);
    this.pass(question, answer, rule !== undefined);
  }

  private pass(question: IncomingMessage, answer: ServerResponse, losesAnswer: boolean): void {
    const { hostname, port } = new URL(this.controlPlane.url);
    const { method, url: path, headers } = question;
    const ca = readFileSync(this.controlPlane.certificate.certFile);
    const onward = request({ hostname, port, method, path, headers, ca, agent: false });
    onward.once('response', (response) => {
      if (losesAnswer) return void response.resume().once('end', () => question.socket.destroy());
      answer.writeHead(response.statusCode ?? 502, response.headers);
      answer.flushHeaders();
      response.pipe(answer);
    });
    onward.on('error', () => question.socket.destroy());
    answer.once('close', () => onward.destroy());
    question.pipe(onward);
  }
}

/** A Status object, as the API server writes it, where nothing else is given. */
function say(
  { status, body, retryAfterSeconds }: Exclude<Instead, string>,
  question: IncomingMessage,
  answer: ServerResponse,
): void {
  question.resume();
  const isText = typeof body === 'string';
  const plain = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, message: `it says ${status}` };
  answer.writeHead(status, {
    'content-type': isText ? 'text/plain' : 'application/json',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  });
  answer.end(isText ? body : JSON.stringify(body ?? plain));
}
