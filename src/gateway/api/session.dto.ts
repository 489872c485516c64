import { isSessionId } from '../../lifecycle/session-id.js';
import { z } from 'zod';

import { SHOWN_STATES } from '../../lifecycle/session-states.js';
import type { Asked, SessionQuery } from '../../lifecycle/sessions.js';

/** What Node's timers can wait; the settings have the same bound. */
const LONGEST_SECONDS = 2_147_483;
/** The environment is kept with the pod, beside everything else that is known of the session. */
const LONGEST_ENV = 64 * 1_024;

const envValue = z.string().refine((value) => !value.includes('\0'), 'holds a NUL, which no environment can');

export const openSchema = z.strictObject({
  template: z.string().min(1).max(253).optional().describe('Name of a template; `default` where none is named'),
  idleTimeoutSeconds: z.int().min(1).max(LONGEST_SECONDS).optional(),
  maxLifetimeSeconds: z.int().min(0).max(LONGEST_SECONDS).optional().describe('0: none'),
  env: z
    .record(z.string().min(1).max(256), envValue)
    .refine((env) => JSON.stringify(env).length <= LONGEST_ENV, `has more than ${LONGEST_ENV} bytes`)
    .optional()
    .describe('Names that the template allows'),
});
export type OpenBody = z.infer<typeof openSchema>;

export function askedOf({ template, env, idleTimeoutSeconds, maxLifetimeSeconds }: OpenBody): Asked {
  const asked: Asked = {};
  if (template !== undefined) asked.template = template;
  if (env !== undefined) asked.env = env;
  if (idleTimeoutSeconds !== undefined) asked.idleTimeoutMs = idleTimeoutSeconds * 1_000;
  if (maxLifetimeSeconds !== undefined) asked.maxLifetimeMs = maxLifetimeSeconds * 1_000;
  return asked;
}

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'is not a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));

const LONGEST_PAGE = 1_000;
const USUAL_PAGE = 100;

/** Unknown names are refused here too: a misspelt filter would show everything. */
export const listSchema = z.strictObject({
  limit: wholeNumber(1, LONGEST_PAGE)
    .default(USUAL_PAGE)
    .describe(`1 to ${LONGEST_PAGE}; ${USUAL_PAGE} where not given`),
  cursor: z.string().refine(isSessionId, 'is not a cursor of ours').optional().describe('`next` of the page before'),
  state: z.enum(SHOWN_STATES).optional(),
  owner: z.string().min(1).max(1_024).optional().describe("Somebody else's: with the scope `berth:admin` only"),
  template: z.string().min(1).max(253).optional(),
}) satisfies z.ZodType<SessionQuery>;
export type ListQuery = z.infer<typeof listSchema>;

const MOST_LINES = 1_000_000;
const flag = z.enum(['0', '1', 'false', 'true']).transform((text) => text === '1' || text === 'true');

export const logsSchema = z.strictObject({
  follow: flag.default(false).describe('Go on until the session has ended'),
  tail: wholeNumber(0, MOST_LINES).optional().describe('Begin with this many of the last lines; all where not given'),
});
export type LogsQuery = z.infer<typeof logsSchema>;
