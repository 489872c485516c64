// What scripts/vault-configure does, by Vault's own API. Each step looks before it makes, or says the whole of what it wants.
import { readFileSync } from 'node:fs';

const {
  VAULT_ADDR,
  VAULT_TOKEN,
  VAULT_NAMESPACE,
  // Where things are mounted.
  KV_PATH = 'secret',
  PKI_PATH = 'pki',
  PKI_ROOT_PATH = 'pki-root',
  AUTH_PATH = 'kubernetes',
  // The secrets of Berth, below KV_PATH.
  REDIS_PASSWORD_PATH = 'redis/password',
  API_KEYS_PATH = 'api/keys',
  // Berth's service account, and the audience of the token that its pods show.
  BERTH_NAMESPACE = 'berth',
  BERTH_SERVICE_ACCOUNT = 'berth',
  BERTH_AUDIENCE = 'vault',
  BERTH_TOKEN_TTL = '1h',
  BERTH_TOKEN_MAX_TTL = '24h',
  // Names that Berth's certificates may have, comma-separated, and those below them. Empty: no PKI.
  BERTH_DOMAINS = 'berth.svc,berth.svc.cluster.local',
  BERTH_CERTIFICATE_TTL = '24h',
  BERTH_IP_ADDRESSES = 'false',
  // How Vault asks the API server whose token it was shown. A Vault in the cluster needs none of these files.
  KUBERNETES_HOST = 'https://kubernetes.default.svc',
  KUBERNETES_CA_FILE,
  TOKEN_REVIEWER_JWT_FILE,
  // The vendor's build has the login inside; a plugin of another name is registered before.
  KUBERNETES_AUTH_TYPE = 'kubernetes',
} = process.env;

const TEN_YEARS = '87600h';
const FIVE_YEARS = '43800h';

async function call(method, path, body) {
  const answer = await fetch(`${VAULT_ADDR}/v1/${path}`, {
    method,
    headers: { 'X-Vault-Token': VAULT_TOKEN, ...(VAULT_NAMESPACE ? { 'X-Vault-Namespace': VAULT_NAMESPACE } : {}) },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await answer.text();
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.trim()}`);
  return text === '' ? {} : JSON.parse(text);
}

const say = (what) => console.log(`vault-configure: ${what}`);

async function mount(kind, path, body) {
  const { data } = await call('GET', `sys/${kind}`);
  const there = data[`${path}/`];
  if (!there) {
    await call('POST', `sys/${kind}/${path}`, body);
    return say(`${path} is there now (${body.type})`);
  }
  if (there.type !== body.type) throw new Error(`${path} is taken by ${there.type}`);
  const version = body.options?.version;
  if (version && there.options?.version !== version) throw new Error(`${path} is not of version ${version}`);
  if (body.config) await call('POST', `sys/${kind}/${path}/tune`, body.config);
}

async function hasIssuer(path) {
  const issuers = await call('LIST', `${path}/issuers`);
  return issuers !== undefined && issuers.data.keys.length > 0;
}

/** The root signs the intermediate and nothing else; whoever has a root of their own puts a signed intermediate in its place. */
async function pki() {
  await mount('mounts', PKI_PATH, { type: 'pki', config: { max_lease_ttl: FIVE_YEARS } });
  if (!(await hasIssuer(PKI_PATH))) {
    await mount('mounts', PKI_ROOT_PATH, { type: 'pki', config: { max_lease_ttl: TEN_YEARS } });
    const elliptic = { key_type: 'ec', key_bits: 256 };
    if (!(await hasIssuer(PKI_ROOT_PATH)))
      await call('POST', `${PKI_ROOT_PATH}/root/generate/internal`, {
        common_name: 'Berth root',
        ttl: TEN_YEARS,
        ...elliptic,
      });
    const asked = await call('POST', `${PKI_PATH}/intermediate/generate/internal`, {
      common_name: 'Berth',
      ...elliptic,
    });
    const signed = await call('POST', `${PKI_ROOT_PATH}/root/sign-intermediate`, {
      csr: asked.data.csr,
      common_name: 'Berth',
      ttl: FIVE_YEARS,
      format: 'pem_bundle',
    });
    await call('POST', `${PKI_PATH}/intermediate/set-signed`, { certificate: signed.data.certificate });
    say(`${PKI_PATH} has an intermediate, signed by ${PKI_ROOT_PATH}`);
  }
  await call('POST', `${PKI_PATH}/roles/berth`, {
    allowed_domains: BERTH_DOMAINS,
    allow_bare_domains: true,
    allow_subdomains: true,
    allow_ip_sans: BERTH_IP_ADDRESSES === 'true',
    server_flag: true,
    client_flag: false,
    key_type: 'ec',
    key_bits: 256,
    ttl: BERTH_CERTIFICATE_TTL,
    max_ttl: BERTH_CERTIFICATE_TTL,
  });
  await call('POST', `${PKI_PATH}/config/auto-tidy`, {
    enabled: true,
    tidy_cert_store: true,
    tidy_revoked_certs: true,
  });
}

/** Each path by its name; what the default policy would add is taken away. */
async function policy() {
  const rule = (path, ...capabilities) => `path "${path}" { capabilities = ${JSON.stringify(capabilities)} }`;
  const rules = [
    rule(`${KV_PATH}/data/${REDIS_PASSWORD_PATH}`, 'read'),
    rule(`${KV_PATH}/data/${API_KEYS_PATH}`, 'read'),
    ...(BERTH_DOMAINS ? [rule(`${PKI_PATH}/issue/berth`, 'update')] : []),
    rule('auth/token/lookup-self', 'read'),
    rule('auth/token/renew-self', 'update'),
  ];
  await call('PUT', 'sys/policies/acl/berth', { policy: rules.join('\n') });
}

async function login() {
  await mount('auth', AUTH_PATH, { type: KUBERNETES_AUTH_TYPE });
  const text = (file) => (file ? readFileSync(file, 'utf8').trim() : undefined);
  await call('POST', `auth/${AUTH_PATH}/config`, {
    kubernetes_host: KUBERNETES_HOST,
    kubernetes_ca_cert: text(KUBERNETES_CA_FILE),
    token_reviewer_jwt: text(TOKEN_REVIEWER_JWT_FILE),
    // Else those of the pod that Vault runs in.
    disable_local_ca_jwt: Boolean(KUBERNETES_CA_FILE),
  });
  await call('POST', `auth/${AUTH_PATH}/role/berth`, {
    bound_service_account_names: BERTH_SERVICE_ACCOUNT,
    bound_service_account_namespaces: BERTH_NAMESPACE,
    audience: BERTH_AUDIENCE,
    token_policies: 'berth',
    token_no_default_policy: true,
    token_ttl: BERTH_TOKEN_TTL,
    token_max_ttl: BERTH_TOKEN_MAX_TTL,
  });
  say(`${BERTH_NAMESPACE}/${BERTH_SERVICE_ACCOUNT} logs in at ${AUTH_PATH} as berth, audience ${BERTH_AUDIENCE}`);
}

try {
  await mount('mounts', KV_PATH, { type: 'kv', options: { version: '2' } });
  if (BERTH_DOMAINS) await pki();
  await policy();
  await login();
  say('done');
} catch (error) {
  console.error(`vault-configure: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}`);
  process.exitCode = 1;
}
