import { applyDecorators } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';

import type { ErrorCode } from '../error-codes.js';
import { problemResponses } from './problem-responses.js';

/** What the document says of each call, out of the controllers' sight. Shapes come from the schemas themselves. */

export const SESSION_ID = {
  name: 'id',
  schema: { type: 'string', pattern: '^[A-Za-z0-9](?:[A-Za-z0-9._~-]{0,126}[A-Za-z0-9])?$' },
} as const;

export const IF_GENERATION = {
  name: 'If-Session-Generation',
  required: false,
  schema: { type: 'integer', minimum: 1 },
  description: '412 where the session is at another generation, or does not exist',
} as const;

/** What any call with a token and an id can be answered with. */
export const ALWAYS: readonly ErrorCode[] = [
  ...(['INVALID_REQUEST', 'UNAUTHENTICATED', 'RATE_LIMITED', 'DEPENDENCY_UNAVAILABLE'] as const),
  ...(['OVERLOADED', 'SHUTTING_DOWN'] as const),
];
export const OF_A_SESSION: readonly ErrorCode[] = [
  ...ALWAYS,
  ...(['INVALID_SESSION_ID', 'SESSION_NOT_FOUND', 'GENERATION_MISMATCH'] as const),
];

const refs = { session: '#/components/schemas/Session', page: '#/components/schemas/SessionPage' };

export function ApiSession(): ClassDecorator {
  return applyDecorators(ApiTags('Sessions'), ApiBearerAuth(), ApiParam(SESSION_ID), ApiHeader(IF_GENERATION));
}

export function ApiStatus(): MethodDecorator {
  return applyDecorators(
    described('Show a session', 'Neither creates nor touches it.'),
    answersSession(200, 'As it is now'),
    refuses(...OF_A_SESSION),
  );
}

export function ApiOpen(): MethodDecorator {
  return applyDecorators(
    described('Open a session ahead of use', 'Does not wait for the pod. The same again changes the time-outs only.'),
    // Its schema is the one that the controller validates with; only that it may be left out is said here.
    ApiBody({ required: false }),
    answersSession(200, 'It was open; time-outs may have changed'),
    answersSession(201, 'Opened'),
    refuses(...OF_A_SESSION, 'FORBIDDEN', 'SESSION_CONFLICT', 'PAYLOAD_TOO_LARGE', 'OWNER_LIMIT', 'CAPACITY_EXHAUSTED'),
  );
}

export function ApiEnd(): MethodDecorator {
  return applyDecorators(
    described('End a session now', 'The same again is 204 for as long as its tombstone lives.'),
    ApiResponse({ status: 204, description: 'Ended, or ending' }),
    refuses(...OF_A_SESSION),
  );
}

export function ApiKeepalive(): MethodDecorator {
  return applyDecorators(
    described('Touch a session', 'Counts as use; never shortens anything.'),
    answersSession(200, 'As it is now'),
    refuses(...OF_A_SESSION),
  );
}

export function ApiLogs(): MethodDecorator {
  return applyDecorators(
    described('Read what its pod wrote', 'With `follow=1` until the session has ended. Is not use.'),
    ApiProduces('text/plain', 'application/problem+json'),
    ApiResponse({ status: 200, description: 'Lines', content: { 'text/plain': { schema: { type: 'string' } } } }),
    refuses(...OF_A_SESSION),
  );
}

export function ApiEvents(): MethodDecorator {
  return applyDecorators(
    described(
      'Follow its transitions',
      'Begins with the present state. `event` is the state entered, or `restarted`; `data` is the session. Is not use.',
    ),
    ApiProduces('text/event-stream', 'application/problem+json'),
    ApiResponse({
      status: 200,
      description: 'Events',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    }),
    refuses(...OF_A_SESSION),
  );
}

export function ApiList(): MethodDecorator {
  return applyDecorators(
    ApiTags('Sessions'),
    ApiBearerAuth(),
    described('List sessions', "One's own; with the scope `berth:admin` all."),
    ApiResponse({ status: 200, description: 'A page', content: json(refs.page) }),
    refuses(...ALWAYS, 'FORBIDDEN'),
  );
}

function described(summary: string, description: string): MethodDecorator {
  return ApiOperation({ summary, description });
}

function answersSession(status: number, description: string): MethodDecorator {
  return ApiResponse({ status, description, content: json(refs.session) });
}

function json($ref: string): Record<string, { schema: { $ref: string } }> {
  return { 'application/json': { schema: { $ref } } };
}

function refuses(...codes: ErrorCode[]): MethodDecorator {
  const responses = Object.entries(problemResponses(codes));
  return applyDecorators(
    ...responses.map(([status, response]) => ApiResponse({ status: Number(status), ...response })),
  );
}
