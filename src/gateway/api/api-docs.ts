import type { Express, Response } from 'express';

import { openApiDocument } from './openapi.js';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Berth</title>
    <link rel="stylesheet" href="docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
  </head>
  <body>
    <div id="api"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script>SwaggerUIBundle({ url: 'docs-json', dom_id: '#api', deepLinking: true });</script>
  </body>
</html>
`;
/** Of what the page's package brings. */
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/** The page at /docs and the document at /docs-json, both without a token. Made when first asked for. */
export function serveApiDocs(express: Express): void {
  let document: string | undefined;
  express.get('/docs-json', (_request, response) => {
    document ??= JSON.stringify(openApiDocument());
    response.type('json').send(document);
  });
  express.get('/docs', (_request, response: Response) => void response.type('html').send(PAGE));
  for (const asset of ASSETS) {
    express.get(`/docs/${asset}`, (_request, response) => {
      response.sendFile(require.resolve(`swagger-ui-dist/${asset}`), { maxAge: '1d', dotfiles: 'allow' });
    });
  }
}
