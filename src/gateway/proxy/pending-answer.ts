import type { SessionView } from '../../lifecycle/sessions.js';
import type { Clock } from '../../platform/clock.js';
import type { HttpExchange } from './exchange.js';
import { type AnswerFields, nameAnswer } from './header-passes.js';
import { endWithUnread, survivesUnread } from './unread-body.js';

/** When it is worth looking at the status again. */
const LOOK_AGAIN_SECONDS = 1;

/** 202: the client did not want to wait for the session. Its body was not executed. */
export function answerPending(exchange: HttpExchange, view: SessionView, clock: Clock): void {
  const { id, state, generation, restarts } = view;
  const location = `/api/v1/session/${id}/status`;
  const text = JSON.stringify({ id, state, generation, status: location });
  const fields: AnswerFields = ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(text))];
  fields.push('Cache-Control', 'no-store', 'Location', location, 'Retry-After', String(LOOK_AGAIN_SECONDS));
  fields.push('Preference-Applied', 'respond-async');
  nameAnswer(fields, exchange.requestId, { id, generation, restarts });
  if (!survivesUnread(exchange.req)) exchange.res.shouldKeepAlive = false;
  exchange.res.writeHead(202, fields);
  endWithUnread(exchange, text, clock);
}
