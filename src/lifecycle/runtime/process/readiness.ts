import { get } from 'node:http';
import { connect } from 'node:net';

import { pause, type Clock } from '../../../platform/clock.js';

const LOOPBACK = '127.0.0.1';
/** Longer than a slow pod's first answer takes; a question without an answer would keep the pod starting for ever. */
const ANSWER_WITHIN_MS = 5_000;
const SHORTEST_PAUSE_MS = 15;
const LONGEST_PAUSE_MS = 100;

export interface Question {
  clock: Clock;
  port: number;
  healthPath: string;
  /** The process has ended, or nobody waits for it any more. */
  signal: AbortSignal;
}

export interface Answer {
  isReady: boolean;
  words: string;
}

/** Asks until the pod is ready (true) or the signal fires (false). `unready` hears of every answer that is not yet one. */
export async function untilReady(
  question: Question,
  unready: (words: string, sinceMs: number) => void,
): Promise<boolean> {
  const { clock, signal } = question;
  const startMs = clock.monotonicMs();
  while (!signal.aborted) {
    const answer = await askHealth(question);
    if (signal.aborted) return false;
    if (answer.isReady) return true;
    const sinceMs = clock.monotonicMs() - startMs;
    unready(answer.words, sinceMs);
    await pause(clock, dialPauseMs(sinceMs), signal);
  }
  return false;
}

/** A quick start is noticed quickly; one that takes long costs little to follow. */
export function dialPauseMs(sinceMs: number): number {
  return Math.min(Math.max(sinceMs / 5, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
}

/**
 * 200 to 399 is ready, as for the kubelet's probe, so that a template means the same in both runtimes. Dialled before
 * anything of HTTP is set up, since most dials are refused.
 */
function askHealth({ clock, port, healthPath, signal }: Question): Promise<Answer> {
  return new Promise((resolve) => {
    const unready = (words: string): void => resolve({ isReady: false, words });
    const socket = connect(port, LOOPBACK);
    const leave = (): void => void socket.destroy();
    const deadline = clock.after(ANSWER_WITHIN_MS, () => {
      unready(`gave no answer within ${ANSWER_WITHIN_MS / 1000} s`);
      leave();
    });
    signal.addEventListener('abort', leave, { once: true });
    socket.once('close', () => {
      deadline.cancel();
      signal.removeEventListener('abort', leave);
      unready('closed the connection without an answer');
    });
    socket.on('error', (error) => unready(refusalWords(error)));
    socket.once('connect', () => {
      // Without an agent: it would open a connection of its own.
      const asked = get({ createConnection: () => socket, host: LOOPBACK, port, path: healthPath });
      asked.on('error', (error) => unready(refusalWords(error)));
      asked.once('response', (response) => {
        response.on('error', () => undefined).resume();
        resolve(judged(response.statusCode ?? 0));
      });
    });
  });
}

function judged(status: number): Answer {
  return { isReady: status >= 200 && status < 400, words: `answered ${status}` };
}

function refusalWords(error: Error & { code?: string }): string {
  if (error.code === 'ECONNREFUSED') return 'was refused: nothing listens there';
  return `gave no HTTP answer (${error.code ?? error.message})`;
}
