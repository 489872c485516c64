import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import type { Log } from './log.js';
import { createSessionServer } from './session-server.js';
import { newState } from './session-state.js';
import { Session } from './session.js';
import type { PodSettings } from './settings.js';
import { StateFile } from './state-file.js';

/** Less than the grace time of a pod (30 s), so that it is never killed in the middle of its own stop. */
const DRAIN_MS = 20_000;
/** Until whoever sends to this pod has heard that it ends; what is on its way meanwhile is answered, and nothing after it. */
const LINGER_MS = 250;
const SWEEP_MS = 50;

export interface RunningPod {
  port: number;
  /** Accepts nothing more, finishes what is open, then resolves; all that was answered is on disk by then. */
  stop(drainMs?: number): Promise<void>;
}

export async function startSessionPod(settings: PodSettings, log: Log): Promise<RunningPod> {
  const file = new StateFile(settings.stateFilePath);
  const kept = await file.load(settings.sessionId, (sentence) => log.warn(sentence));
  const state = kept ?? newState(settings.sessionId ?? null, new Date());
  const session = new Session(state, (next) => file.save(next));

  const server = createSessionServer(session, log);
  server.listen(settings.port, settings.host);
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  log.info(`session ${state.sessionId ?? '(unclaimed)'} listens on ${address}:${port}, executions ${state.executions}`);
  return { port, stop: (drainMs = DRAIN_MS) => stop(server, session, log, drainMs) };
}

async function stop(server: Server, session: Session, log: Log, drainMs: number): Promise<void> {
  server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'));
  const closed = once(server, 'close');
  // Its own `close` would end idle connections at once, and with them requests that are on their way.
  NetServer.prototype.close.call(server);
  const giveUp = setTimeout(() => server.closeAllConnections(), drainMs);
  await Promise.race([closed, pause(LINGER_MS)]);
  server.close();
  // A connection whose request was under way at the close is idle, not closed, once that is answered.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(giveUp);
  await session.flush().catch((error: unknown) => log.error(`the state could not be written: ${String(error)}`));
}
