import { Load } from './load/load.js';
import { berth } from './targets/berth.js';
import { configurableHttpProxy } from './targets/configurable-http-proxy.js';
import { cpuSecondsOf } from './process-cost.js';
const b = await berth({ sessions: 4, flags: process.env.FLAGS?.split(' ') });
const chp = await configurableHttpProxy(b.addresses);
const load = new Load();
for (const t of [b, chp]) {
  if (typeof t === 'string') continue;
  const ways = [0, 1, 2, 3].map((n) => t.way(n, '/execute'));
  const base = { ways, headers: t.headers, pids: t.pids };
  await load.run({ kind: 'closed', ...base, warmUpSeconds: 0, connections: 32, seconds: 4, bodyBytes: 120 });
  const c0 = cpuSecondsOf(t.pids);
  await new Promise((go) => setTimeout(go, 3000));
  console.log(t.name, 'idle', ((cpuSecondsOf(t.pids) - c0) / 3).toFixed(3));
  for (const rate of [500, 2000, 2000, 4000]) {
    const p = await load.run({ kind: 'paced', ...base, warmUpSeconds: 1, rate, seconds: 3, bodyBytes: 120 });
    console.log(
      t.name,
      rate,
      ((p.cpuSeconds * 1e6) / p.done).toFixed(1),
      'done',
      p.done,
      p.latencyMs.p50.toFixed(2),
      p.latencyMs.p95.toFixed(2),
    );
  }
}
await load.stop();
await b.stop();
if (typeof chp !== 'string') await chp.stop();
process.exit(0);
