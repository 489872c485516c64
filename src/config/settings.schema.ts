import { z } from 'zod';

/**
 * Every setting there is. A value that is present and wrong stops the start; nothing is guessed. `describe` is what
 * the README's table says of it. No fault quotes the value that was given: it may be a secret.
 */
const MAX_TIMER_SECONDS = 2_147_483;

const wholeNumber = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^\d+$/, 'is not a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `is less than ${min}`).max(max, `is more than ${max}`));
const seconds = (min: number) => wholeNumber(min, MAX_TIMER_SECONDS);
const port = wholeNumber(0, 65_535);
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
);
const words = z.string().transform((text) => text.split(/\s+/).filter(Boolean));
const yesOrNo = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1');
const path = z.string().min(1);
const vaultPath = (standard: string) =>
  z
    .string()
    .regex(/^[^/\s]+(\/[^/\s]+)*$/, 'is not a path such as secret/redis/password')
    .default(standard);
const quantity = z.string().regex(/^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/, 'is not a quantity such as 100m or 128Mi');

export const settingsSchema = z.object({
  PORT: port.default(8080).describe('Port of the API and the proxy; 0 takes a free one'),
  BIND_ADDRESS: z
    .string()
    .min(1)
    .optional()
    .describe('Address to listen on; 127.0.0.1 for the process runtime, else all'),
  METRICS_PORT: port.default(9090).describe('Port of `/metrics`; 0 takes a free one'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
    .default('info')
    .describe('Least level that is logged'),
  TLS_CERT_PATH: z.string().min(1).optional().describe('PEM certificate chain; with `TLS_KEY_PATH` the API speaks TLS'),
  TLS_KEY_PATH: z
    .string()
    .min(1)
    .optional()
    .describe('PEM key of that certificate; both are used anew when they change'),
  TLS_HSTS_SECONDS: wholeNumber(0)
    .default(0)
    .describe('How long browsers are told to come by TLS only (`Strict-Transport-Security`); 0: they are told nothing'),

  AUTH_TOKEN_SECRET: z
    .string()
    .min(32, 'has fewer than 32 bytes')
    .optional()
    .describe('HS256 key of the tokens, at least 32 bytes'),
  AUTH_KEYS_PATH: path
    .optional()
    .describe(
      'JSON or YAML file of token keys and API keys, with the fields of the secret in Vault; used anew when it changes',
    ),
  AUTH_JWKS_URL: z
    .url({ protocol: /^https?$/, error: 'is not an http(s) URL' })
    .optional()
    .describe('Where the keys of RS256/ES256 tokens are published'),
  AUTH_ISSUER: z.string().min(1).optional().describe('Issuer that tokens must name (needed with `AUTH_JWKS_URL`)'),
  AUTH_AUDIENCE: z.string().min(1).optional().describe('Audience that tokens must name (needed with `AUTH_JWKS_URL`)'),
  CORS_ORIGINS: list.default([]).describe('Origins of browsers that may call, comma-separated, or `*`'),
  RATE_LIMIT_PER_OWNER: wholeNumber(0)
    .default(0)
    .describe('Requests a second for each owner, per replica; 0: no limit'),

  RUNTIME: z
    .enum(['kubernetes', 'process'])
    .optional()
    .describe(
      'Where pods run: `kubernetes`, or `process` (child processes of this machine); `kubernetes` in a cluster, else `process`',
    ),
  STORE: z
    .enum(['redis', 'memory'])
    .optional()
    .describe(
      'What remembers the sessions: `redis`, or `memory` (one replica only); `redis` where `REDIS_HOST` or `REDIS_URL` is set, else `memory`',
    ),

  REDIS_HOST: z.string().min(1).optional().describe('Host of the Redis primary'),
  REDIS_PORT: wholeNumber(1, 65_535).default(6379).describe('Port of the Redis primary'),
  REDIS_USERNAME: z.string().min(1).optional().describe('User of the Redis primary, where it has more than one'),
  REDIS_PASSWORD: z.string().min(1).optional().describe('Password of the Redis primary'),
  REDIS_PASSWORD_PATH: path.optional().describe('File that holds that password; used anew when it changes'),
  REDIS_TLS: yesOrNo.default(false).describe('Whether the Redis primary is spoken to by TLS'),
  REDIS_CA_PATH: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file of the authorities that may sign for it; else those that Node trusts'),
  REDIS_URL: z
    .string()
    .min(1)
    .optional()
    .describe('All of this as one URL, `redis://user:password@host:port/db`, or `rediss://` for TLS'),

  VAULT_ADDR: z
    .url({ protocol: /^https?$/, error: 'is not an http(s) URL' })
    .optional()
    .describe(
      'Vault that secrets come from, `https://vault:8200`; without it they come from files and the environment',
    ),
  VAULT_ROLE: z.string().min(1).optional().describe('Role of the Kubernetes login, as the pod’s service account'),
  VAULT_AUTH_PATH: vaultPath('kubernetes').describe('Where that login is mounted'),
  VAULT_JWT_PATH: path
    .default('/var/run/secrets/kubernetes.io/serviceaccount/token')
    .describe('File with the service account’s token, read anew at each login'),
  VAULT_TOKEN: z.string().min(1).optional().describe('A token instead of `VAULT_ROLE`, for development'),
  VAULT_NAMESPACE: z.string().min(1).optional().describe('Namespace of Vault Enterprise'),
  VAULT_CA_PATH: path
    .optional()
    .describe('PEM file of the authorities that may sign for Vault; else those that Node trusts'),
  VAULT_TIMEOUT_SECONDS: seconds(1).default(5).describe('How long one call of Vault may take'),
  VAULT_REFRESH_SECONDS: seconds(1)
    .default(30)
    .describe('How often secrets are read anew, from Vault or from their files; SIGHUP does it at once'),
  VAULT_REDIS_PASSWORD_PATH: vaultPath('secret/redis/password').describe(
    'Secret (KV version 2) whose field `password` is Redis’ password; `none`: it does not come from Vault',
  ),
  VAULT_API_KEYS_PATH: vaultPath('secret/api/keys').describe(
    'Secret with a field `token.<kid>` for each token key and `api-key.<name>` for each API key; `none`: they do not come from Vault',
  ),
  VAULT_PKI_PATH: vaultPath('pki').describe('Where the PKI is mounted that makes the certificate of the port'),
  VAULT_PKI_ROLE: z.string().min(1).optional().describe('Its role; with it the API speaks TLS'),
  VAULT_PKI_COMMON_NAME: z
    .string()
    .min(1)
    .optional()
    .describe('Name in that certificate (needed with `VAULT_PKI_ROLE`)'),
  VAULT_PKI_ALT_NAMES: list.default([]).describe('Further names and addresses in it, comma-separated'),
  VAULT_PKI_TTL_SECONDS: seconds(0).default(0).describe('How long it is good for; 0: as the role says'),

  KUBECONFIG: z
    .string()
    .min(1)
    .optional()
    .describe('File that tells of the cluster (its current context is used); in a cluster, the pod’s own account'),
  KUBERNETES_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'is not a name of a namespace')
    .default('sessions')
    .describe('Namespace of the session pods and of the lease'),
  LEASE_NAME: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'is not a name of a lease')
    .default('berth-leader')
    .describe('Lease by which the replicas choose their leader'),
  LEASE_DURATION_SECONDS: seconds(1).default(15).describe('How long a leader that is not heard of is left its lead'),
  LEASE_RENEW_DEADLINE_SECONDS: seconds(1)
    .default(10)
    .describe('How long a leader tries to renew before it gives up its lead'),
  LEASE_RETRY_SECONDS: seconds(1).default(2).describe('How often a leader renews, and a candidate tries'),

  IDLE_TIMEOUT_SECONDS: seconds(1).default(600).describe('A session nobody has used for this long is ended'),
  MAX_LIFETIME_SECONDS: seconds(0).default(0).describe('A session older than this is ended although in use; 0: never'),
  CLEANUP_INTERVAL_SECONDS: seconds(1)
    .default(60)
    .describe('At least this often the leader looks for what is due or left over'),
  POD_CREATION_TIMEOUT: seconds(1).default(120).describe('Seconds after which a pod that is not ready is given up'),
  TOMBSTONE_SECONDS: seconds(0).default(3600).describe('How long an ended id stays reserved for its owner'),
  MAX_CONCURRENT_SESSIONS: wholeNumber(1).default(1000).describe('Sessions that may have a pod at once'),
  MAX_SESSIONS_PER_OWNER: wholeNumber(0).default(0).describe('The same for each owner; 0: no limit'),
  MAX_CONCURRENT_CREATIONS: wholeNumber(1)
    .default(50)
    .describe('Pods that one replica makes at once; further ones queue'),
  MAX_PENDING_REQUESTS: wholeNumber(1).default(1000).describe('Requests that one replica holds while pods start'),
  MAX_BODY_BYTES: wholeNumber(0).default(0).describe('Largest request body passed to a pod; 0: no limit'),

  SESSION_POD_IMAGE: z
    .string()
    .min(1)
    .optional()
    .describe('Image of the `default` template (needed with `RUNTIME=kubernetes`)'),
  SESSION_POD_COMMAND: words
    .optional()
    .describe(
      'What the `default` template runs, words separated by spaces; else what its image says (a process: the bundled application)',
    ),
  SESSION_POD_PORT: port
    .default(8080)
    .describe('Port of the `default` template (a process gets a port of its own in PORT)'),
  SESSION_POD_CPU_REQUEST: quantity
    .default('100m')
    .describe('CPU that a pod asks for, unless its template says otherwise'),
  SESSION_POD_CPU_LIMIT: quantity
    .default('500m')
    .describe('CPU that a pod may use, unless its template says otherwise'),
  SESSION_POD_MEMORY_REQUEST: quantity
    .default('128Mi')
    .describe('Memory that a pod asks for, unless its template says otherwise'),
  SESSION_POD_MEMORY_LIMIT: quantity
    .default('512Mi')
    .describe('Memory at which a pod is killed, unless its template says otherwise'),
  SESSION_POD_SERVICE_ACCOUNT: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'is not a name of a service account')
    .optional()
    .describe('Service account of a pod whose template names none; else the `default` one. Its token is never mounted'),
  WARM_POOL_SIZE: wholeNumber(0)
    .default(0)
    .describe('Pods kept ready for new sessions, of each template that does not say otherwise'),
  PROCESS_STATE_PATH: z
    .string()
    .min(1)
    .optional()
    .describe('Folder under which the process runtime keeps the state folders of its pods; else the temporary folder'),
  TEMPLATES_PATH: z.string().min(1).optional().describe('YAML file of named templates'),

  PROXY_CONNECT_TIMEOUT_SECONDS: seconds(1).default(5).describe('How long dialling a pod is tried'),
  PROXY_FIRST_BYTE_TIMEOUT_SECONDS: seconds(0)
    .default(3600)
    .describe('How long a pod may take to begin its answer; 0: for ever'),
  PROXY_IDLE_STREAM_TIMEOUT_SECONDS: seconds(0)
    .default(3600)
    .describe('How long a stream may be silent in both directions; 0: for ever'),
  SHUTDOWN_DELAY_SECONDS: seconds(0)
    .default(0)
    .describe('How long a stopping replica goes on accepting, until load balancers have noticed'),
  SHUTDOWN_DRAIN_SECONDS: seconds(0)
    .default(30)
    .describe('How long what is open may take to finish at a stop or past a lifetime'),
});

type Given = z.infer<typeof settingsSchema>;

/** With what the surroundings decide where nothing is said. */
export type Settings = Given & Required<Pick<Given, 'RUNTIME' | 'STORE'>>;
