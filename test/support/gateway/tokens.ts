import { sign, type SignOptions } from 'jsonwebtoken';

export const SECRET = 'a-secret-for-tests-of-more-than-32-bytes';

/** Every token a test made, so that it can be looked for where it must not be. */
const tokensMade: string[] = [];

/** A token that is good for an hour, unless the claims say otherwise; a claim set to undefined is left out. */
export function tokenFor(
  sub: string | undefined,
  claims: object = {},
  options: SignOptions & { key?: string } = {},
): string {
  const { key = SECRET, ...rest } = options;
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const payload = JSON.parse(JSON.stringify({ sub, exp, ...claims })) as object;
  return made(sign(payload, key, { algorithm: 'HS256', ...rest }));
}

/** Signed by nobody, or with a header of one's own. */
export function forgedToken(header: object, claims: object, signature = ''): string {
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  return made(`${encoded(header)}.${encoded(claims)}.${signature}`);
}

export function bearer(token: string): { headers: Record<string, string> } {
  return { headers: { authorization: `Bearer ${token}` } };
}

/** Tokens, or parts of them, that stand in a text where none may. */
export function tokensIn(text: string): string[] {
  const parts = tokensMade.flatMap((token) => token.split('.')).filter((part) => part.length > 8);
  return [...new Set(parts)].filter((part) => text.includes(part));
}

function made(token: string): string {
  tokensMade.push(token);
  return token;
}
