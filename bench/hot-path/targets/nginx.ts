import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { eventually } from '../../../test/support/eventually.js';
import { freePort } from '../../../test/support/kubernetes/free-port.js';
import { descendants } from '../../../test/support/processes.js';
import { isThere, start, stop } from '../programs.js';
import type { Target } from '../target.js';

/** One worker, kept connections both ways, its access log, and buffers that hold a body of 64 KiB without a file. */
export async function nginx(addresses: readonly string[]): Promise<Target | string> {
  if (!isThere('nginx')) return 'nginx is missing: install the Debian package nginx';
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-nginx-'));
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, addresses));
  const child = start('proxy', ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'errors')]);
  await eventually(() => fetch(`http://127.0.0.1:${port}/`), 10_000);
  return {
    name: 'nginx',
    pids: [child.pid!, ...descendants(child.pid!).map(({ pid }) => pid)],
    headers: {},
    way: (session, podPath) => ({ host: '127.0.0.1', port, path: `/s/${session % addresses.length}${podPath}` }),
    stop: () => stop(child),
  };
}

function configuration(folder: string, port: number, addresses: readonly string[]): string {
  return `
daemon off; master_process on; worker_processes 1; pid ${folder}/pid;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 16384; }
http {
  access_log ${folder}/access;
  keepalive_requests 100000000; keepalive_timeout 75s;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  client_body_buffer_size 128k; client_max_body_size 0; proxy_buffers 16 16k; proxy_busy_buffers_size 64k;
  proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
  ${addresses.map((address, at) => `upstream s${at} { server ${address}; keepalive 256; keepalive_requests 100000000; }`).join('\n  ')}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location ~ ^/s/(\\d+)/events$ { proxy_buffering off; proxy_pass http://s$1/events$is_args$args; }
    ${addresses.map((_, at) => `location /s/${at}/ { proxy_pass http://s${at}/; }`).join('\n    ')}
    location / { return 200; }
  }
}
`;
}
