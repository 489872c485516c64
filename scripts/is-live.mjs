// The image's health check: does the Berth in this container answer? It speaks TLS where it has a certificate.
import { get } from 'node:http';
import { get as getByTls } from 'node:https';

const { PORT = '8080', TLS_CERT_PATH } = process.env;
// The certificate is for the names that clients use, which 127.0.0.1 is not.
const options = { host: '127.0.0.1', port: PORT, path: '/health/live', timeout: 4_000, rejectUnauthorized: false };
const asked = (TLS_CERT_PATH ? getByTls : get)(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1));
asked.on('timeout', () => asked.destroy(new Error('no answer'))).on('error', () => process.exit(1));
