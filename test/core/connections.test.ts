import { describe, expect, it } from 'vitest';
import { CONNECTIONS_PATH, countConnections } from '../../src/core/connections.ts';

const stats = (values: Record<string, number>) =>
  JSON.stringify({ stats: Object.entries(values).map(([name, value]) => ({ name, value })) });
const active = (listener: string) => `listener.${listener}.downstream_cx_active`;

describe('the connections of a launch', () => {
  it.each<[string, Record<string, number>, number]>([
    ['are those of all listeners', { [active('0.0.0.0_80')]: 2, [active('[__]_443')]: 3 }, 5],
    ['do not count the admin', { [active('admin')]: 1, [active('admin.main_thread')]: 1 }, 0],
    [
      'do not count a worker twice',
      { [active('0.0.0.0_80')]: 2, [active('0.0.0.0_80.worker_11')]: 2 },
      2,
    ],
    ['do not count listeners inside Envoy', { [active('envoy_internal_connect_originate')]: 9 }, 0],
    [
      'do not count clusters',
      { 'cluster.a.upstream_cx_active': 9, 'http.b.downstream_cx_active': 9 },
      0,
    ],
    ['do not count other figures', { 'listener.0.0.0.0_80.downstream_cx_total': 9 }, 0],
    [
      'do not count what is ignored',
      { [active('0.0.0.0_15021')]: 4, [active('probe')]: 2, [active('inbound')]: 1 },
      1,
    ],
    ['are none without any stat', {}, 0],
  ])('%s', (_, values, count) => {
    expect(countConnections(stats(values), ['0.0.0.0_15021', 'probe'])).toBe(count);
  });

  it.each(['', 'no healthy upstream', 'null', '[]', '{"stats":{}}', '{"stats":'])(
    'are not known, which is not zero, when the answer is %j',
    (text) => {
      expect(countConnections(text, [])).toBeUndefined();
    },
  );

  it('count a listener without a value as empty', () => {
    expect(countConnections('{"stats":[{"name":"listener.a.downstream_cx_active"},{}]}', [])).toBe(
      0,
    );
  });

  it('are asked for with a filter that matches what is read', () => {
    const filter = new URL(CONNECTIONS_PATH, 'http://envoy').searchParams.get('filter') ?? '';
    expect(active('0.0.0.0_80')).toMatch(new RegExp(filter));
    expect('listener.0.0.0.0_80.downstream_cx_active_total').not.toMatch(new RegExp(filter));
  });
});
