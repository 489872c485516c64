import { createHmac, randomBytes } from 'node:crypto';

/** Where no AUTH_* is given: a key for this run only, and a token that it signs. */
export interface DevSigningKey {
  secret: string;
  token: string;
}

const SUBJECT = 'dev';
const LIFETIME_SECONDS = 12 * 60 * 60;

export function makeDevSigningKey(nowMs: number): DevSigningKey {
  const secret = randomBytes(32).toString('base64url');
  const iat = Math.floor(nowMs / 1_000);
  return { secret, token: signed({ sub: SUBJECT, scope: '', iat, exp: iat + LIFETIME_SECONDS }, secret) };
}

/** Ready to paste. For a person at a terminal only: it holds the token, so it goes into no log line. */
export function firstCurl(port: number, token: string): string {
  return (
    `curl -s http://127.0.0.1:${port}/api/v1/session/demo/execute -H "Authorization: Bearer ${token}" ` +
    `-H 'Content-Type: application/json' -d '{"data":{"hello":"world"}}'`
  );
}

function signed(claims: object, secret: string): string {
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const content = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}
