import { z } from 'zod';

import type { ErrorCode } from '../error-codes.js';

/** As much of OpenAPI 3.0 as is written here. */
export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  security?: object[];
  parameters?: object[];
  requestBody?: { required?: boolean; description?: string; content: Content };
  responses: Record<string, { description: string; content?: Content }>;
}
export type Paths = Record<string, Record<string, Operation>>;
type Content = Record<string, { schema: object }>;
type Parameter = { name: string; schema: object; description?: string };

const ID_SCHEMA = { type: 'string', pattern: '^[A-Za-z0-9](?:[A-Za-z0-9._~-]{0,126}[A-Za-z0-9])?$' };

/** Of whatever is asked about one session. */
export const OF_A_SESSION_PARAMETERS: readonly object[] = [
  parameter({ name: 'id', schema: ID_SCHEMA }, 'path'),
  parameter(
    {
      name: 'If-Session-Generation',
      schema: { type: 'integer', minimum: 1 },
      description: '412 where the session is at another generation, or does not exist',
    },
    'header',
  ),
];

/** What any call with a token can be answered with. */
export const ALWAYS: readonly ErrorCode[] = [
  'INVALID_REQUEST',
  'UNAUTHENTICATED',
  'RATE_LIMITED',
  'DEPENDENCY_UNAVAILABLE',
  'SHUTTING_DOWN',
];
/** The same where it names a session. */
export const OF_A_SESSION: readonly ErrorCode[] = [
  ...ALWAYS,
  'INVALID_SESSION_ID',
  'SESSION_NOT_FOUND',
  'GENERATION_MISMATCH',
];

export const BEHIND_A_TOKEN = [{ bearer: [] }];

export function parameter(described: Parameter, where: 'path' | 'header' | 'query'): object {
  return { ...described, in: where, required: where === 'path' };
}

/** From the schema that the query is validated with. */
export function queryParameters(schema: z.ZodType): object[] {
  const { properties = {} } = jsonSchema(schema, 'input') as { properties?: Record<string, { description?: string }> };
  return Object.entries(properties).map(([name, { description, ...rest }]) =>
    parameter({ name, schema: rest, description }, 'query'),
  );
}

/** As who asks writes it, or as it is answered. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  return { ...z.toJSONSchema(schema, { target: 'openapi-3.0', io }), $schema: undefined };
}
