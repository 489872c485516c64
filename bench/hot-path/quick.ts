import { Load } from './load/load.js';
import { berth } from './targets/berth.js';
import { configurableHttpProxy } from './targets/configurable-http-proxy.js';
import { direct } from './targets/direct.js';
import { nginx } from './targets/nginx.js';
const rounds = Number(process.argv[2] ?? 2);
const b = await berth({ sessions: 4, flags: process.env.FLAGS?.split(' ') });
const only = process.env.ONLY?.split(',');
const all = [b, await configurableHttpProxy(b.addresses), await nginx(b.addresses), direct(b.addresses)]
  .filter((t) => typeof t !== 'string')
  .filter((t) => !only || only.includes(t.name));
const load = new Load();
for (let r = 0; r < rounds; r++)
  for (const t of all) {
    const ways = [0, 1, 2, 3].map((n) => t.way(n, '/execute'));
    const base = { ways, headers: t.headers, pids: t.pids, warmUpSeconds: r === 0 ? 3 : 1 };
    const a = await load.run({ kind: 'closed', ...base, connections: 32, seconds: 3, bodyBytes: 120 });
    const p = await load.run({ kind: 'paced', ...base, rate: 2000, seconds: 3, bodyBytes: 120 });
    const us = (o) => ((o.cpuSeconds * 1e6) / o.done).toFixed(1);
    console.log(
      t.name.padEnd(24),
      'closed',
      us(a),
      'us',
      (a.done / a.seconds).toFixed(0),
      '/s core',
      (a.cpuSeconds / a.seconds).toFixed(2),
      'gen',
      a.generatorBusy.toFixed(2),
      'p95',
      a.latencyMs.p95.toFixed(2),
      a.failed,
      JSON.stringify(a.otherStatuses),
      '| paced',
      us(p),
      'p50',
      p.latencyMs.p50.toFixed(2),
      'p95',
      p.latencyMs.p95.toFixed(2),
      p.failed,
    );
  }
await load.stop();
for (const t of all) await t.stop();
await b.stop();
process.exit(0);
