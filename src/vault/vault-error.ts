/**
 * `away`: no answer, or none that can be used. `sealed`: it answers that it is. `denied`: the token is not good, or not
 * good for this. `absent`: there is nothing. `refused`: what was asked makes no sense to it. `unusable`: what it gave does
 * not to us.
 */
export type VaultTrouble = 'away' | 'sealed' | 'denied' | 'absent' | 'refused' | 'unusable';

/** What went wrong, in a sentence without secrets. The errors of the libraries are not kept: they carry the request. */
export class VaultError extends Error {
  override name = 'VaultError';

  constructor(
    readonly trouble: VaultTrouble,
    sentence: string,
  ) {
    super(sentence);
  }
}

const LONGEST_WORDS = 300;

interface Refusal {
  statusCode: number;
  body?: unknown;
}

/** `secrets` are what the request carried: Vault repeats it in some of its sentences. */
export function refusalOf({ statusCode, body }: Refusal, asked: string, secrets: readonly string[]): VaultError {
  const words = wordsOf(body, secrets);
  const trouble = troubleOf(statusCode, words);
  if (trouble === 'sealed') return new VaultError('sealed', 'Vault is sealed');
  if (trouble === 'absent') return new VaultError('absent', `there is nothing at ${asked} in Vault`);
  return new VaultError(trouble, `Vault answers ${asked} with ${statusCode}${words && `: ${words}`}`);
}

function troubleOf(status: number, words: string): VaultTrouble {
  if (status === 404) return 'absent';
  if (status === 403 || status === 401) return 'denied';
  if (status === 503 && /sealed/i.test(words)) return 'sealed';
  return status >= 500 || status === 429 ? 'away' : 'refused';
}

function wordsOf(body: unknown, secrets: readonly string[]): string {
  const { errors } = (typeof body === 'object' && body !== null ? body : {}) as { errors?: unknown };
  const words = Array.isArray(errors) ? errors.map(String).join('; ').replace(/\s+/g, ' ') : '';
  const plain = secrets.filter(Boolean).reduce((text, secret) => text.replaceAll(secret, '(secret)'), words);
  return plain.length <= LONGEST_WORDS ? plain : `${plain.slice(0, LONGEST_WORDS)}…`;
}
