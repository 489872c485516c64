import { z } from 'zod';

import type { Caller, Failure } from '../../lifecycle/session.js';
import { SHOWN_STATES } from '../../lifecycle/session-states.js';
import type { SessionPage, SessionView } from '../../lifecycle/sessions.js';

const time = z.iso.datetime().describe('RFC 3339, UTC');
const count = z.int().min(0);

/** What a client sees of a session; the OpenAPI document is made of it. Absent means: there is none. */
export const sessionSchema = z.object({
  id: z.string(),
  state: z.enum(SHOWN_STATES),
  generation: z.int().min(1).describe('1, 2, 3… each new pod of this session'),
  restarts: count.describe('Of the present pod'),
  template: z.string(),
  owner: z.string().describe('`<iss>|<sub>`, or the subject where tokens carry no issuer'),
  pod: z
    .object({
      name: z.string(),
      address: z.string().optional().describe('For admins only'),
      node: z.string().optional(),
    })
    .optional(),
  createdAt: time,
  lastActivityAt: time,
  dueAt: time.optional().describe('When it is ended if nobody uses it'),
  expiresAt: time.optional().describe('When it is ended although in use'),
  requests: count,
  inFlight: count,
  lastFailure: z.object({ reason: z.string(), message: z.string(), at: time }).optional(),
});
export const pageSchema = z.object({
  sessions: z.array(sessionSchema),
  next: z.string().optional().describe('`cursor` of the next page'),
});
export type SessionJson = z.infer<typeof sessionSchema>;
export type PageJson = z.infer<typeof pageSchema>;

/** Fields that are undefined are left out by JSON itself. */
export function sessionJson(view: SessionView, caller: Caller): SessionJson {
  return {
    id: view.id,
    state: view.state,
    generation: view.generation,
    restarts: view.restarts,
    template: view.template,
    owner: view.owner,
    pod: view.pod && podJson(view.pod, caller),
    createdAt: timeJson(view.createdAtMs),
    lastActivityAt: timeJson(view.lastActivityAtMs),
    dueAt: view.dueAtMs === undefined ? undefined : timeJson(view.dueAtMs),
    expiresAt: view.expiresAtMs === undefined ? undefined : timeJson(view.expiresAtMs),
    requests: view.requests,
    inFlight: view.inFlight,
    lastFailure: view.lastFailure && failureJson(view.lastFailure),
  };
}

export function pageJson({ sessions, next }: SessionPage, caller: Caller): PageJson {
  return { sessions: sessions.map((view) => sessionJson(view, caller)), next };
}

/** An address is of no use to a client and of some to an attacker. */
function podJson({ name, address, node }: NonNullable<SessionView['pod']>, caller: Caller): SessionJson['pod'] {
  return { name, address: caller.isAdmin ? address : undefined, node };
}

function failureJson({ reason, message, atMs }: Failure): SessionJson['lastFailure'] {
  return { reason, message, at: timeJson(atMs) };
}

function timeJson(ms: number): string {
  return new Date(ms).toISOString();
}
