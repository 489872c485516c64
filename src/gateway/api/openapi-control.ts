import type { ErrorCode } from '../error-codes.js';
import {
  ALWAYS,
  BEHIND_A_TOKEN,
  jsonSchema,
  OF_A_SESSION,
  OF_A_SESSION_PARAMETERS,
  type Operation,
  type Paths,
  queryParameters,
} from './openapi-parts.js';
import { problemResponses } from './problem-responses.js';
import { listSchema, logsSchema, openSchema } from './session.dto.js';

/** What the document says of the calls of the controllers. Shapes come from the schemas that they validate with. */
export function controlPaths(): Paths {
  const session = '/api/v1/session/{id}';
  return {
    [session]: { put: open(), delete: end() },
    [`${session}/status`]: { get: status() },
    [`${session}/keepalive`]: { post: keepalive() },
    [`${session}/logs`]: { get: logs() },
    [`${session}/events`]: { get: events() },
    '/api/v1/sessions': { get: list() },
  };
}

type Responses = Operation['responses'];
type Words = Pick<Operation, 'operationId' | 'summary' | 'description'>;

const refs = { session: '#/components/schemas/Session', page: '#/components/schemas/SessionPage' };

function status(): Operation {
  const words = { operationId: 'status', summary: 'Show a session', description: 'Neither creates nor touches it.' };
  return ofASession(words, { 200: shows('As it is now') });
}

function open(): Operation {
  const words = {
    operationId: 'open',
    summary: 'Open a session ahead of use',
    description: 'Does not wait for the pod. The same again changes the time-outs only.',
  };
  const answers = { 200: shows('It was open; time-outs may have changed'), 201: shows('Opened') };
  const more = ['FORBIDDEN', 'SESSION_CONFLICT', 'PAYLOAD_TOO_LARGE', 'OWNER_LIMIT', 'CAPACITY_EXHAUSTED'] as const;
  const requestBody = { required: false, content: { 'application/json': { schema: jsonSchema(openSchema, 'input') } } };
  return { ...ofASession(words, answers, more), requestBody };
}

function end(): Operation {
  const description = 'The same again is 204 for as long as its tombstone lives.';
  const words = { operationId: 'end', summary: 'End a session now', description };
  return ofASession(words, { 204: { description: 'Ended, or ending' } });
}

function keepalive(): Operation {
  const description = 'Counts as use; never shortens anything.';
  return ofASession(
    { operationId: 'keepalive', summary: 'Touch a session', description },
    { 200: shows('As it is now') },
  );
}

function logs(): Operation {
  const description = 'With `follow=1` until the session has ended. Is not use.';
  const words = { operationId: 'logs', summary: 'Read what its pod wrote', description };
  const operation = ofASession(words, { 200: text('Lines', 'text/plain') });
  return { ...operation, parameters: [...operation.parameters!, ...queryParameters(logsSchema)] };
}

function events(): Operation {
  const words = {
    operationId: 'events',
    summary: 'Follow its transitions',
    description:
      'Begins with the present state. `event` is the state entered, or `restarted`; `data` is the session. Is not use.',
  };
  return ofASession(words, { 200: text('Events', 'text/event-stream') });
}

function list(): Operation {
  return {
    operationId: 'list',
    tags: ['Sessions'],
    summary: 'List sessions',
    description: "One's own; with the scope `berth:admin` all.",
    security: BEHIND_A_TOKEN,
    parameters: queryParameters(listSchema),
    responses: { 200: json('A page', refs.page), ...problemResponses([...ALWAYS, 'FORBIDDEN']) },
  };
}

function ofASession(words: Words, answers: Responses, more: readonly ErrorCode[] = []): Operation {
  return {
    ...words,
    tags: ['Sessions'],
    security: BEHIND_A_TOKEN,
    parameters: [...OF_A_SESSION_PARAMETERS],
    responses: { ...answers, ...problemResponses([...OF_A_SESSION, ...more]) },
  };
}

function shows(description: string): Responses[string] {
  return json(description, refs.session);
}

function json(description: string, $ref: string): Responses[string] {
  return { description, content: { 'application/json': { schema: { $ref } } } };
}

function text(description: string, type: string): Responses[string] {
  return { description, content: { [type]: { schema: { type: 'string' } } } };
}
