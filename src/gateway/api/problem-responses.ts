import { type ErrorCode, HTTP_ERRORS } from '../error-codes.js';

export interface ProblemResponse {
  description: string;
  content: Record<string, { schema: { $ref: string } }>;
}

const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

/** One response for each status, naming the codes that it may carry. */
export function problemResponses(codes: readonly ErrorCode[]): Record<string, ProblemResponse> {
  const responses: Record<string, ProblemResponse> = {};
  for (const code of codes) {
    const { status } = HTTP_ERRORS[code];
    const named = responses[status];
    responses[status] = { description: named ? `${named.description}, ${code}` : code, content };
  }
  return responses;
}

export const problemSchema = {
  type: 'object' as const,
  description: 'RFC 9457, with a stable `code`',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What happened and what to do' },
    instance: { type: 'string', description: 'The path asked for' },
    code: { type: 'string', enum: [...Object.keys(HTTP_ERRORS), 'INTERNAL'] },
    requestId: { type: 'string' },
    reason: { type: 'string', description: "The machine's word for why, for example CrashLoopBackOff" },
    retryAfterSeconds: { type: 'integer', minimum: 1 },
  },
};
