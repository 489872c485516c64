import type { INestApplication } from '@nestjs/common';
import type { Express } from 'express';

import { serveApiDocs } from './api-docs.js';

/**
 * What cannot be said in a module; to be called before the application is initialised. The application is made with
 * `bodyParser: false`: bodies are read behind the guard, never before it.
 */
export function configureApi(app: INestApplication): void {
  const express = app.getHttpAdapter().getInstance() as Express;
  express.disable('x-powered-by');
  // A status that has not changed is still an answer, not a 304.
  express.set('etag', false);
  // One spelling for each path, as in the route table. The settings of that name would come too late: Nest's adapter
  // has made the router by now.
  const router = express.router as unknown as { caseSensitive: boolean; strict: boolean };
  router.caseSensitive = true;
  router.strict = true;
  serveApiDocs(express);
}
