import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';

import { dataPlanePaths, healthPaths } from './openapi-paths.js';
import { problemSchema } from './problem-responses.js';
import { pageSchema, sessionSchema } from './session-json.js';

const DESCRIPTION =
  'One session id, one pod. Any request for a session id gets a pod of its own, and so does every later one.';

/** Controllers describe themselves; what is served outside Nest is added by hand and compared with the route table. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Berth')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .build();
  const document = SwaggerModule.createDocument(app, config);
  document.paths = { ...healthPaths(), ...dataPlanePaths(), ...document.paths };
  document.components = {
    ...document.components,
    schemas: {
      ...document.components?.schemas,
      Problem: problemSchema,
      Session: schemaOf(sessionSchema),
      SessionPage: schemaOf(pageSchema),
    },
  };
  return document;
}

/** The page at /docs and the document at /docs-json, both without a token. Made when first asked for. */
export function serveApiDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), { jsonDocumentUrl: 'docs-json', raw: ['json'] });
}

function schemaOf(schema: z.ZodType): object {
  return { ...z.toJSONSchema(schema, { target: 'openapi-3.0' }), $schema: undefined };
}
