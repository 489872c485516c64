import {
  type ErrorFacts,
  LifecycleError,
  MemoryLost,
  RuntimeUnavailable,
  StoreUnavailable,
} from '../lifecycle/lifecycle.errors.js';
import { type ErrorCode, type GatewayErrorCode, HTTP_ERRORS } from './error-codes.js';

/** A refusal that only HTTP knows. */
export class GatewayError extends Error {
  constructor(
    readonly code: GatewayErrorCode,
    sentence: string,
    readonly facts: ErrorFacts & { allow?: readonly string[] } = {},
  ) {
    super(sentence, { cause: facts.cause });
    this.name = 'GatewayError';
  }
}

/** RFC 9457, with a stable `code`. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: ErrorCode | 'INTERNAL';
  requestId: string;
  reason?: string;
  retryAfterSeconds?: number;
}

export interface Problem {
  status: number;
  headers: Record<string, string>;
  body: ProblemBody;
  /** Not foreseen: a fault of ours, to be logged with its stack. */
  isBug: boolean;
}

export interface ProblemContext {
  requestId: string;
  /** The path, without its query: it may carry secrets. */
  instance: string;
  /** [0, 1): spreads clients that were refused together. */
  jitter: number;
}

const DEFAULT_RETRY_MS = 1_000;

interface Refusal {
  code: ErrorCode;
  sentence: string;
  reason?: string;
  retryAfterMs?: number;
  allow?: readonly string[];
}

/** The code that a client will see for this error. */
export function codeOf(error: unknown): ErrorCode | 'INTERNAL' {
  return refusalOf(error)?.code ?? 'INTERNAL';
}

/** The one place that turns an error into what a client sees. */
export function problemOf(error: unknown, context: ProblemContext): Problem {
  const refusal = refusalOf(error);
  if (!refusal) return unforeseen(context);
  const { status, title } = HTTP_ERRORS[refusal.code];
  const retryAfterSeconds =
    status === 503 || status === 429 ? retrySeconds(refusal.retryAfterMs, context.jitter) : undefined;
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
  if (refusal.allow) headers.allow = refusal.allow.join(', ');
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="berth"';
  const { requestId, instance } = context;
  const body = {
    type: `urn:berth:error:${refusal.code}`,
    title,
    status,
    detail: refusal.sentence,
    instance,
    code: refusal.code,
    requestId,
  };
  return { status, headers, body: { ...body, reason: refusal.reason, retryAfterSeconds }, isBug: false };
}

function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof LifecycleError)
    return { code: error.code, sentence: error.message, reason: error.reason, retryAfterMs: error.retryAfterMs };
  if (error instanceof GatewayError) return { code: error.code, sentence: error.message, ...error.facts };
  if (error instanceof StoreUnavailable) return away('The session store does not answer; known sessions go on.');
  if (error instanceof MemoryLost)
    return away('The session store is being rebuilt from the running pods; try again in a moment.');
  if (error instanceof RuntimeUnavailable)
    return away('The runtime of the pods cannot do this now; known sessions go on. The log says why.');
  return undefined;
}

function away(sentence: string): Refusal {
  return { code: 'DEPENDENCY_UNAVAILABLE', sentence };
}

/** At least the time asked for, and up to half as much again. */
function retrySeconds(retryAfterMs = DEFAULT_RETRY_MS, jitter: number): number {
  return Math.max(1, Math.ceil((retryAfterMs / 1_000) * (1 + jitter / 2)));
}

function unforeseen(context: ProblemContext): Problem {
  const { requestId, instance } = context;
  const body = {
    type: 'about:blank',
    title: 'Internal error',
    status: 500,
    detail: `Berth made a mistake; its log has it under request id ${requestId}.`,
    instance,
    code: 'INTERNAL' as const,
    requestId,
  };
  return {
    status: 500,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body,
    isBug: true,
  };
}
