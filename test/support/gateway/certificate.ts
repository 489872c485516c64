import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** For 127.0.0.1, good for a hundred years, and for nothing but tests: its key is public. */
export const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGf/AkC+iZXuF+8IA
xpU1xZRClzmsUOFSWOL3TEGQZCKhRANCAAT0LlFq9MiAdSiy+CjJNPalzYpRRmXm
PLb+b80VkJl6Jw+rjh6gASQVmLMMjBmft1yUp4J83lzfpzEb2WRkS0yJ
-----END PRIVATE KEY-----
`;

export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUdUHB4mmPD543P0LOOajMomm+oNYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEyNDY0OFoYDzIxMjYxMDI4
MTI0NjQ4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT0LlFq9MiAdSiy+CjJNPalzYpRRmXmPLb+b80VkJl6Jw+rjh6gASQV
mLMMjBmft1yUp4J83lzfpzEb2WRkS0yJo2QwYjAdBgNVHQ4EFgQUTV6DZgIQUJ7h
R1ljXA0yU8z4aMcwHwYDVR0jBBgwFoAUTV6DZgIQUJ7hR1ljXA0yU8z4aMcwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IQDzGrZtWJ2hpE3CcSXimwZM4mExOp08IOHz6OjEe17HEQIgXA2SsGXtytdiqniB
UFD61aXzA9nfVIsC+fxfjO9DU2Y=
-----END CERTIFICATE-----
`;

/** Another one for this address, made now and good for two days. */
export function certificateFor(address: string): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'berth-certificate-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const how = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const subject = ['-subj', '/CN=berth.test', '-addext', `subjectAltName=IP:${address}`];
    execFileSync('openssl', [...how, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
