import { controlPaths } from './openapi-control.js';
import { dataPlanePaths, healthPaths } from './openapi-data.js';
import { jsonSchema, type Paths } from './openapi-parts.js';
import { problemSchema } from './problem-responses.js';
import { pageSchema, sessionSchema } from './session-json.js';

const DESCRIPTION =
  'One session id, one pod. Any request for a session id gets a pod of its own, and so does every later one.';

export interface OpenApiDocument {
  openapi: '3.0.0';
  info: object;
  paths: Paths;
  components: { securitySchemes: object; schemas: Record<string, object> };
}

/** Written by hand, shapes excepted; compared with the route table by a test. */
export function openApiDocument(): OpenApiDocument {
  return {
    openapi: '3.0.0',
    info: { title: 'Berth', description: DESCRIPTION, version: '1' },
    paths: { ...healthPaths(), ...dataPlanePaths(), ...controlPaths() },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: {
        Problem: problemSchema,
        Session: jsonSchema(sessionSchema, 'output'),
        SessionPage: jsonSchema(pageSchema, 'output'),
      },
    },
  };
}
