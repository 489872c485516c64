/**
 * The smallest pod that a runtime's tests can do things to. `GET /about` tells what it is; `/print`, `/exit` and `/eat`
 * make it do as told. Flags: --crash, --health=<status>, --ignore-term, --with-child, --silent.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';

const flags = process.argv.slice(2);
const health = Number(flags.find((flag) => flag.startsWith('--health='))?.split('=')[1] ?? 200);
const eaten = [];

if (flags.includes('--crash')) {
  process.stderr.write('first words\nlast words\n', () => process.exit(7));
} else {
  if (flags.includes('--ignore-term')) process.on('SIGTERM', () => console.log('still here'));
  const child = flags.includes('--with-child') ? spawn('sleep', ['600'], { stdio: 'ignore' }) : undefined;
  const about = () => JSON.stringify({ pid: process.pid, childPid: child?.pid, cwd: process.cwd(), env: process.env });
  const routes = {
    '/health': (response) => response.writeHead(health).end('health'),
    '/about': (response) => response.end(about()),
    '/print': (response, query) => console.log(query) ?? response.end(),
    '/exit': (response, query) => process.exit(Number(query)),
    '/eat': (response, query) => eaten.push(Buffer.alloc(Number(query), 1)) && response.end(),
  };
  const server = createServer((request, response) => {
    const [path, query = ''] = request.url.split('?');
    const route = routes[path] ?? ((missing) => missing.writeHead(404).end());
    route(response, decodeURIComponent(query));
  });
  if (flags.includes('--silent')) setTimeout(() => undefined, 600_000);
  else server.listen(Number(process.env.PORT ?? 8080), process.env.HOST, () => console.log('pod listens'));
}
