// A token for trying things out, signed with AUTH_TOKEN_SECRET: npm run -s token -- <subject> [scope …]
// AUTH_TOKEN_KID names the key, where there are several; AUTH_ISSUER and AUTH_AUDIENCE are named where they are set.
import { createHmac } from 'node:crypto';

const [subject, ...scopes] = process.argv.slice(2);
const secret = process.env.AUTH_TOKEN_SECRET;
if (!subject || !secret) {
  console.error('Usage: AUTH_TOKEN_SECRET=… npm run -s token -- <subject> [scope …]');
  process.exit(1);
}
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
const iat = Math.floor(Date.now() / 1_000);
const { AUTH_TOKEN_KID: kid, AUTH_ISSUER: iss, AUTH_AUDIENCE: aud } = process.env;
const claims = {
  sub: subject,
  scope: scopes.join(' '),
  iat,
  exp: iat + 3_600,
  ...(iss && { iss }),
  ...(aud && { aud }),
};
const content = `${encoded({ alg: 'HS256', typ: 'JWT', ...(kid ? { kid } : {}) })}.${encoded(claims)}`;
console.log(`${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`);
