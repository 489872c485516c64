import type { IncomingMessage } from 'node:http';

import { Problem } from './problem.js';
import type { Json } from './session-state.js';

const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** Far below the depth at which writing a value as JSON exhausts the stack. */
const MAX_DEPTH = 256;

/** The `data` of an execute's body. */
export async function readData(request: IncomingMessage): Promise<Json> {
  const body = parse(await readBody(request));
  if (typeof body !== 'object' || body === null || Array.isArray(body) || body.data === undefined) {
    throw new Problem(400, 'The body has to be a JSON object with a field "data".');
  }
  if (isDeeperThan(body.data, MAX_DEPTH)) throw new Problem(400, `The data is nested deeper than ${MAX_DEPTH} levels.`);
  return body.data;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = new Problem(413, 'The body is larger than 10 MiB.');
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not destroy the request: its connection has still to carry the refusal.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(body: Buffer): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as Json;
  } catch (error) {
    throw new Problem(400, `The body is not JSON in UTF-8: ${(error as Error).message}`);
  }
}

function isDeeperThan(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}
