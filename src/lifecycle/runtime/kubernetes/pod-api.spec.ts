import { podObject } from '../../../../test/support/pod-objects.js';
import type { Query } from '../../../platform/kubernetes/kubernetes-client.js';
import { KubernetesError } from '../../../platform/kubernetes/kubernetes-errors.js';
import { PodApi } from './pod-api.js';

const expired = new KubernetesError('the continue token is too old', { status: 410, reason: 'Expired' });

describe('a list of all pods', () => {
  let asked: Query[];

  function apiOf(answers: (object | Error)[]): PodApi {
    asked = [];
    const read = <T>(_path: string, query: Query = {}): Promise<T> => {
      asked.push(query);
      const answer = answers.shift();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer as T);
    };
    return new PodApi({ namespace: 'sessions', read } as never);
  }

  const page = (uid: string, more?: string): object => ({
    metadata: { continue: more },
    items: [podObject({}, { uid })],
  });
  const uids = async (api: PodApi): Promise<(string | undefined)[]> =>
    (await api.list()).map(({ metadata }) => metadata?.uid);

  it('is put together of its pages, of one moment, and from no cache', async () => {
    expect(await uids(apiOf([page('1', 'next'), page('2', 'last'), page('3')]))).toEqual(['1', '2', '3']);
    expect(asked.map((query) => query.continue)).toEqual([undefined, 'next', 'last']);
    for (const query of asked) expect(query).not.toHaveProperty('resourceVersion');
  });

  it('begins anew when the moment that it began at is forgotten', async () => {
    expect(await uids(apiOf([page('1', 'next'), expired, page('4', 'next'), page('5')]))).toEqual(['4', '5']);
  });

  it('is not half a list', async () => {
    const away = new KubernetesError('away');
    await expect(apiOf([page('1', 'next'), away]).list()).rejects.toBe(away);
    await expect(apiOf([expired, expired, expired, page('1')]).list()).rejects.toBe(expired);
  });

  it('may be of nothing', async () => {
    expect(await uids(apiOf([{ items: null }]))).toEqual([]);
  });
});
