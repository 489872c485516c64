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
  return { ...parsed.data, ...surroundings(given) };
}

/** Where pods run and what remembers the sessions, if nobody says so. Only a cluster sets this variable. */
function surroundings(given: Environment): Pick<Settings, 'RUNTIME' | 'STORE'> {
  const isInCluster = given.KUBERNETES_SERVICE_HOST !== undefined;
  const hasRedis = given.REDIS_HOST !== undefined || given.REDIS_URL !== undefined;
  return {
    RUNTIME: (given.RUNTIME as Settings['RUNTIME'] | undefined) ?? (isInCluster ? 'kubernetes' : 'process'),
    STORE: (given.STORE as Settings['STORE'] | undefined) ?? (hasRedis ? 'redis' : 'memory'),
  };
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
  const KEYS = ['AUTH_JWKS_URL', 'AUTH_TOKEN_SECRET', 'AUTH_KEYS_PATH', 'VAULT_ADDR'] as const;
  for (const name of ['AUTH_ISSUER', 'AUTH_AUDIENCE'] as const)
    if (has(name) && !KEYS.some(has))
      faults.push(`${name} needs AUTH_JWKS_URL or AUTH_TOKEN_SECRET: a key made for this run knows no issuer`);
  if (Number(given.TLS_HSTS_SECONDS ?? 0) > 0 && !has('TLS_CERT_PATH') && !has('VAULT_PKI_ROLE'))
    faults.push('TLS_HSTS_SECONDS needs TLS_CERT_PATH or VAULT_PKI_ROLE: browsers believe it by TLS only');
  return [...faults, ...vaultFaults(given), ...partsFaults(given), ...leaseFaults(given)];
}

/** A secret comes from one place, so that who changes it there knows that it is changed. */
function vaultFaults(given: Environment): string[] {
  const faults: string[] = [];
  const has = (name: keyof Settings): boolean => given[name] !== undefined;
  const exclude = (one: keyof Settings, other: keyof Settings, hint = ''): void => {
    if (has(one) && has(other)) faults.push(`${one} and ${other} exclude each other${hint}`);
  };
  exclude('REDIS_PASSWORD', 'REDIS_PASSWORD_PATH');
  exclude('VAULT_PKI_ROLE', 'TLS_CERT_PATH');
  exclude('VAULT_ROLE', 'VAULT_TOKEN');
  if (has('VAULT_PKI_ROLE') !== has('VAULT_PKI_COMMON_NAME'))
    faults.push('VAULT_PKI_ROLE and VAULT_PKI_COMMON_NAME go together');
  if (!has('VAULT_ADDR')) {
    for (const name of ['VAULT_ROLE', 'VAULT_PKI_ROLE'] as const)
      if (has(name)) faults.push(`${name} needs VAULT_ADDR`);
    return faults;
  }
  if (!has('VAULT_ROLE') && !has('VAULT_TOKEN'))
    faults.push('VAULT_ADDR needs VAULT_ROLE (or, for development, VAULT_TOKEN)');
  const KEYS = ['AUTH_TOKEN_SECRET', 'AUTH_KEYS_PATH', 'AUTH_JWKS_URL'] as const;
  if (given.VAULT_API_KEYS_PATH === 'none' && !KEYS.some(has))
    faults.push(`VAULT_API_KEYS_PATH is none: one of ${KEYS.join(', ')} has to say whom to let in`);
  const otherwise = (name: keyof Settings): string => `, unless ${name} is none`;
  for (const name of ['REDIS_PASSWORD', 'REDIS_PASSWORD_PATH'] as const)
    if (given.VAULT_REDIS_PASSWORD_PATH !== 'none') exclude(name, 'VAULT_ADDR', otherwise('VAULT_REDIS_PASSWORD_PATH'));
  for (const name of ['AUTH_TOKEN_SECRET', 'AUTH_KEYS_PATH'] as const)
    if (given.VAULT_API_KEYS_PATH !== 'none') exclude(name, 'VAULT_ADDR', otherwise('VAULT_API_KEYS_PATH'));
  return faults;
}

function partsFaults(given: Environment): string[] {
  const faults: string[] = [];
  const { RUNTIME, STORE } = surroundings(given);
  const { REDIS_HOST: host, REDIS_URL: url } = given;
  if (STORE === 'redis' && host === undefined && url === undefined)
    faults.push('STORE is redis: REDIS_HOST or REDIS_URL has to say where it is');
  if (host !== undefined && url !== undefined) faults.push('REDIS_HOST and REDIS_URL exclude each other');
  if (RUNTIME === 'process' && STORE === 'redis')
    faults.push(
      'STORE redis needs RUNTIME kubernetes: a process belongs to one replica, and the others could not reach it (STORE=memory goes with RUNTIME=process)',
    );
  if (RUNTIME === 'kubernetes' && given.SESSION_POD_IMAGE === undefined)
    faults.push('SESSION_POD_IMAGE is needed with RUNTIME kubernetes');
  return faults;
}

/** A leader has to notice that it cannot renew before the others take over. */
function leaseFaults(given: Environment): string[] {
  const seconds = (name: keyof Settings): number => Number(given[name] ?? settingsSchema.shape[name].parse(undefined));
  const duration = seconds('LEASE_DURATION_SECONDS');
  const deadline = seconds('LEASE_RENEW_DEADLINE_SECONDS');
  const faults: string[] = [];
  if (duration <= deadline) faults.push('LEASE_DURATION_SECONDS has to be more than LEASE_RENEW_DEADLINE_SECONDS');
  if (deadline <= seconds('LEASE_RETRY_SECONDS') * 1.2)
    faults.push('LEASE_RENEW_DEADLINE_SECONDS has to be more than 1.2 x LEASE_RETRY_SECONDS');
  return faults;
}
