import type { Answer } from './berth-client.js';

/** A refusal as the contract has it: problem+json, a stable code, an id under which the log knows it. */
export function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body.code, text: answer.text }).toMatchObject({ status, code });
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({
    type: expect.any(String),
    title: expect.any(String),
    detail: expect.any(String),
    instance: expect.any(String),
    requestId: answer.headers['x-request-id'],
    status,
  });
  if (status === 503 || status === 429) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
}

/** What the bundled application answers to an execute. */
export interface Executed {
  sessionId: string;
  executions: number;
  previous: unknown;
  data: unknown;
  pid: number;
}

export function executed(answer: Answer): Executed {
  if (answer.status !== 200) throw new Error(`expected 200 but got ${answer.status}: ${answer.text}`);
  return answer.body as unknown as Executed;
}

export function proxied(id: string, path: string): string {
  return `/api/v1/session/${id}/proxy${path}`;
}
