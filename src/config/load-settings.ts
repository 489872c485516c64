import { StartFault } from './start-fault.js';
import { type Settings, settingsSchema } from './settings.schema.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Names every fault of the configuration at once, and never a value: it might be a secret. */
export class ConfigurationError extends StartFault {
  constructor(readonly faults: readonly string[]) {
    super(
      `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n  ${faults.join('\n  ')}`,
    );
    this.name = 'ConfigurationError';
  }
}

export function loadSettings(environment: Environment): Settings {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = settingsSchema.safeParse(given);
  const faults = parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${sentence(issue)}`);
  faults.push(...crossFaults(given));
  if (!parsed.success || faults.length > 0) throw new ConfigurationError(faults);
  return parsed.data;
}

/** zod's own sentences quote the value that was given; ours do not. */
function sentence(issue: { code: string; message: string; values?: unknown }): string {
  if (issue.code === 'invalid_value') return `is not one of ${(issue.values as string[]).join(', ')}`;
  return issue.message;
}

/** Combinations that make no sense, looked at even where single values are wrong as well. */
function crossFaults(given: Environment): string[] {
  const faults: string[] = [];
  const has = (name: keyof Settings): boolean => given[name] !== undefined;
  if (has('TLS_CERT_PATH') !== has('TLS_KEY_PATH')) faults.push('TLS_CERT_PATH and TLS_KEY_PATH go together');
  if (has('AUTH_TOKEN_SECRET') && has('AUTH_JWKS_URL'))
    faults.push('AUTH_TOKEN_SECRET and AUTH_JWKS_URL exclude each other: tokens are of one kind');
  if (has('AUTH_JWKS_URL') && !(has('AUTH_ISSUER') && has('AUTH_AUDIENCE')))
    faults.push('AUTH_JWKS_URL needs AUTH_ISSUER and AUTH_AUDIENCE: without them any token of that issuer would do');
  if (has('PORT') && given.PORT !== '0' && given.PORT === (given.METRICS_PORT ?? '9090'))
    faults.push('PORT and METRICS_PORT are the same');
  for (const name of ['AUTH_ISSUER', 'AUTH_AUDIENCE'] as const)
    if (has(name) && !has('AUTH_JWKS_URL') && !has('AUTH_TOKEN_SECRET'))
      faults.push(`${name} needs AUTH_JWKS_URL or AUTH_TOKEN_SECRET: a key made for this run knows no issuer`);
  for (const name of ['REDIS_HOST', 'REDIS_URL', 'VAULT_ADDR'])
    if (given[name] !== undefined)
      faults.push(`${name} is set, but this version keeps sessions and secrets on one machine only`);
  return faults;
}
