import { get } from 'node:http';

import type { ApiContainer, ApiProbe } from './api-pod.js';

/** As the kubelet asks: any answer from 200 to 399 in time is a good one. A probe of another kind is always good. */
export function passes(probe: ApiProbe, container: ApiContainer, address: string): Promise<boolean> {
  const { httpGet, timeoutSeconds = 1 } = probe;
  if (!httpGet) return Promise.resolve(true);
  const headers = Object.fromEntries((httpGet.httpHeaders ?? []).map(({ name, value }) => [name, value]));
  return new Promise((resolve) => {
    const call = get({
      host: address,
      port: portOf(httpGet.port, container),
      path: httpGet.path ?? '/',
      headers: { 'user-agent': 'kube-probe/1.36', connection: 'close', ...headers },
      agent: false,
    });
    const limit = setTimeout(() => call.destroy(new Error('no answer in time')), timeoutSeconds * 1_000);
    const say = (isGood: boolean): void => {
      clearTimeout(limit);
      resolve(isGood);
    };
    call.once('error', () => say(false));
    call.once('response', ({ statusCode = 0 }) => {
      say(statusCode >= 200 && statusCode < 400);
      call.destroy();
    });
  });
}

function portOf(port: number | string, container: ApiContainer): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find(({ name }) => name === port);
  if (!named) throw new Error(`the container has no port named ${port}`);
  return named.containerPort;
}
