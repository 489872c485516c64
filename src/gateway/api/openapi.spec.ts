import { ApiHarness } from '../../../test/support/gateway/api-harness.js';
import { HTTP_ERRORS } from '../error-codes.js';
import { ROUTES } from '../routes.js';
import { DOCUMENTED_METHODS } from './openapi-data.js';

interface Operation {
  security?: object[];
  responses: Record<string, { content?: Record<string, { schema?: { $ref?: string } }> }>;
  parameters?: { name: string; in: string; required?: boolean; schema?: object }[];
  requestBody?: {
    required?: boolean;
    content: Record<string, { schema: { properties?: object; additionalProperties?: boolean } }>;
  };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties: Record<string, { enum?: string[] }> }> };
}

let document: Document;

beforeAll(async () => {
  const api = await new ApiHarness().start();
  document = JSON.parse((await api.call('GET', '/docs-json')).text) as Document;
  await api.stop();
});

function operations(): [string, Operation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

function operation(name: string): Operation {
  const found = operations().find(([of]) => of === name)?.[1];
  if (!found) throw new Error(`not documented: ${name}`);
  return found;
}

describe('the document', () => {
  it('has every route of the table, and the table every route of the document', () => {
    const routes = ROUTES.filter(({ isDocumented }) => isDocumented !== false).flatMap(({ path, methods }) =>
      (methods === 'any' ? DOCUMENTED_METHODS : methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(
      operations()
        .map(([name]) => name)
        .sort(),
    ).toEqual(routes.sort());
  });

  it('asks for a token on all but the open routes', () => {
    const isOpen = (name: string): boolean => / \/health/.test(name);
    for (const [name, { security }] of operations()) expect([name, !!security]).toEqual([name, !isOpen(name)]);
  });

  it('has no code that does not exist, and every one that does', () => {
    const { enum: codes } = document.components.schemas.Problem?.properties.code ?? {};
    expect(codes).toEqual([...Object.keys(HTTP_ERRORS), 'INTERNAL']);
  });

  it('says for every call behind a token which problems it may answer with', () => {
    for (const [name, { responses, security }] of operations())
      if (security)
        expect([name, responses['401']?.content?.['application/problem+json']?.schema?.$ref]).toEqual([
          name,
          '#/components/schemas/Problem',
        ]);
  });

  it('shows what a session looks like', () => {
    expect(Object.keys(document.components.schemas.Session?.properties ?? {})).toContain('lastActivityAt');
    const { schema } =
      operation('GET /api/v1/session/{id}/status').responses['200']?.content?.['application/json'] ?? {};
    expect(schema?.$ref).toBe('#/components/schemas/Session');
  });

  it('shows what PUT takes, and that it takes nothing else', () => {
    const { schema } = operation('PUT /api/v1/session/{id}').requestBody?.content['application/json'] ?? {};
    const fields = Object.keys(schema?.properties ?? {});
    expect(fields.sort()).toEqual(['env', 'idleTimeoutSeconds', 'maxLifetimeSeconds', 'template']);
    expect(schema?.additionalProperties).toBe(false);
    expect(operation('PUT /api/v1/session/{id}').requestBody?.required).not.toBe(true);
  });

  it('shows the parameters of a path once and those of a query all', () => {
    const named = (name: string): string[] => (operation(name).parameters ?? []).map((parameter) => parameter.name);
    expect(named('GET /api/v1/session/{id}/logs').sort()).toEqual(['If-Session-Generation', 'follow', 'id', 'tail']);
    expect(named('GET /api/v1/sessions').sort()).toEqual(['cursor', 'limit', 'owner', 'state', 'template']);
  });
});
