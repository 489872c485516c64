import type { ErrorCode } from '../error-codes.js';
import {
  BEHIND_A_TOKEN,
  OF_A_SESSION,
  OF_A_SESSION_PARAMETERS,
  type Operation,
  parameter,
  type Paths,
} from './openapi-parts.js';
import { problemResponses } from './problem-responses.js';

/** Of the methods that OpenAPI 3.0 can write; the proxy takes any other as well. */
export const DOCUMENTED_METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'] as const;

/** Beside what control calls can be refused with: the session is opened and its pod is asked. */
const OF_A_POD: readonly ErrorCode[] = [
  ...OF_A_SESSION,
  ...(['FORBIDDEN', 'SESSION_TERMINATING', 'PAYLOAD_TOO_LARGE', 'OWNER_LIMIT', 'POD_UNREACHABLE', 'POD_LOST'] as const),
  ...(['CAPACITY_EXHAUSTED', 'TOO_MANY_WAITING', 'SESSION_START_FAILED', 'SESSION_START_TIMEOUT'] as const),
];

export function dataPlanePaths(): Paths {
  const proxied = DOCUMENTED_METHODS.map((method) => [method, proxy(method)]);
  return {
    '/api/v1/session/{id}/execute': { post: execute() },
    '/api/v1/session/{id}/proxy/{path}': Object.fromEntries(proxied) as Paths[string],
  };
}

export function healthPaths(): Paths {
  const about = {
    '/health': 'Everything this replica depends on',
    '/health/live': 'This process only',
    '/health/ready': 'Whether requests should be sent here',
  };
  return Object.fromEntries(Object.entries(about).map(([path, summary]) => [path, { get: health(path, summary) }]));
}

function execute(): Operation {
  return {
    ...common('execute', 'Run code in the session', 'Opens it where needed and holds until its pod is ready.'),
    parameters: [
      ...OF_A_SESSION_PARAMETERS,
      parameter({ name: 'Prefer', schema: { type: 'string', example: 'respond-async' } }, 'header'),
    ],
    requestBody: { content: { 'application/json': { schema: {} } }, description: "Goes to the pod's `POST /execute`" },
    responses: {
      200: { description: "The pod's own answer, streamed" },
      202: { description: 'Not ready, and `Prefer` says not to wait: nothing was executed; `Location` is its status' },
      ...problemResponses(OF_A_POD),
    },
  };
}

function proxy(method: string): Operation {
  return {
    ...common(`proxy_${method}`, 'Any request to the pod', 'Streams both ways; WebSocket upgrades as well.'),
    parameters: [...OF_A_SESSION_PARAMETERS, parameter({ name: 'path', schema: { type: 'string' } }, 'path')],
    responses: { default: { description: "The pod's own answer" }, ...problemResponses(OF_A_POD) },
  };
}

function health(path: string, summary: string): Operation {
  const operationId = path.slice(1).replace('/', '_');
  const responses = { 200: { description: 'Yes' }, 503: { description: 'No; the body says why' } };
  return { operationId, tags: ['Health'], summary, responses };
}

function common(operationId: string, summary: string, description: string): Omit<Operation, 'responses'> {
  return { operationId, summary, description, tags: ['Requests to pods'], security: BEHIND_A_TOKEN };
}
