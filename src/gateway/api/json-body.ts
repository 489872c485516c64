import type { IncomingMessage } from 'node:http';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import { GatewayError } from '../problem.js';

export const LONGEST_BODY = 1_024 * 1_024;

/**
 * Reads a JSON body after the caller has been let in: Express's parser would run before any guard and so read a
 * megabyte for a stranger. Compressed bodies are refused; what a small one unpacks to has no bound.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? 0) > LONGEST_BODY) throw tooLarge();
  const text = await readText(request);
  if (text === '') return {};
  assertJson(request.headers);
  try {
    return JSON.parse(text, refuseReserved);
  } catch (error) {
    if (error instanceof LifecycleError) throw error;
    // V8's sentence quotes the body, which may hold secrets.
    throw invalid('The body is not JSON.');
  }
}

/** Nest takes these names out of a body without a word; what is not allowed is refused here instead. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

function refuseReserved(name: string, value: unknown): unknown {
  if (RESERVED.has(name)) throw invalid(`${name} is no name that may be used here.`);
  return value;
}

async function readText(request: IncomingMessage): Promise<string> {
  if (request.readableEnded)
    throw new Error('the body was read before: the application is made with bodyParser: false');
  const chunks: Buffer[] = [];
  let length = 0;
  // Not `for await`: leaving its loop destroys the connection before the refusal is out.
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > LONGEST_BODY) reject(tooLarge());
      else chunks.push(chunk);
    });
    request.once('end', resolve);
    request.once('error', () => reject(invalid('The body broke off.')));
    request.once('close', () => reject(invalid('The body broke off.')));
  }).finally(() => request.removeAllListeners('data'));
  return decoded(Buffer.concat(chunks));
}

function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid('The body is not UTF-8.');
  }
}

function assertJson(headers: IncomingMessage['headers']): void {
  const mediaType = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json')
    throw invalid('Send the body with the header `Content-Type: application/json`.');
  const coding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (coding !== 'identity') throw invalid('Send the body without Content-Encoding.');
}

function invalid(sentence: string): LifecycleError {
  return new LifecycleError('INVALID_REQUEST', sentence);
}

function tooLarge(): GatewayError {
  return new GatewayError('PAYLOAD_TOO_LARGE', `A body of this API has at most ${LONGEST_BODY} bytes.`);
}
