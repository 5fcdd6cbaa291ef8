import { describe, expect, test } from 'vitest';
import type { Tree, TreeMap } from '../../src/core/tree.ts';
import {
  placesInBootstrap,
  placesInDump,
  unshareableListeners,
} from '../../src/core/unshareable-listeners.ts';

const socket = (port: number, more: TreeMap = {}): Tree => ({
  socket_address: { address: '127.0.0.1', port_value: port, ...more },
});
const pipe = (path: string): Tree => ({ pipe: { path } });
const listener = (more: TreeMap): TreeMap => ({ name: 'l', address: socket(80), ...more });
const places = (...listeners: TreeMap[]) => placesInBootstrap({ static_resources: { listeners } });
/** Beside a process that has the same. */
const besideItself = (more: TreeMap) =>
  unshareableListeners(places(listener(more)), places(listener(more)));

describe('a listener', () => {
  test.each<[string, TreeMap]>([
    ['as Envoy makes it by itself', {}],
    ['that reuses its port', { enable_reuse_port: true }],
    ['with the older word for it, which has no effect', { reuse_port: false }],
    ['that is not bound', { bind_to_port: false, enable_reuse_port: false }],
    ['that is internal', { internal_listener: {}, address: {} }],
    ['on any free port', { address: socket(0), enable_reuse_port: false }],
    ['without an address', { address: {} }],
    ['on a named port', { address: { socket_address: { named_port: 'http' } } }],
  ])('%s can be had twice', (_, more) => {
    expect(besideItself(more)).toEqual([]);
  });

  test.each<[string, TreeMap, string]>([
    [
      'that does not reuse its port',
      { enable_reuse_port: false },
      'listener l (port 80, enable_reuse_port is off)',
    ],
    [
      'that says so in camel case',
      { enableReusePort: false, address: { socketAddress: { address: '::', portValue: '81' } } },
      'listener l (port 81, enable_reuse_port is off)',
    ],
    ['on a unix socket', { address: pipe('/run/l.sock') }, 'listener l (unix socket /run/l.sock)'],
    ['on an abstract one', { address: pipe('@l') }, 'listener l (unix socket @l)'],
    [
      'with one more address on a unix socket',
      { additional_addresses: [{ address: pipe('/run/l.sock') }] },
      'listener l (unix socket /run/l.sock)',
    ],
    [
      'without a name',
      { name: '', enable_reuse_port: false },
      'listener without a name (port 80, enable_reuse_port is off)',
    ],
  ])('%s cannot be had twice', (_, more, words) => {
    expect(besideItself(more)).toEqual([words]);
  });
});

describe('two listeners', () => {
  const own = { enable_reuse_port: false };

  test.each<[string, TreeMap, TreeMap, number]>([
    ['on different ports', { ...own }, { ...own, address: socket(81) }, 0],
    ['on one port of different protocols', own, { address: socket(80, { protocol: 'UDP' }) }, 0],
    ['on one port of different addresses', own, { address: socket(80, { address: '::1' }) }, 0],
    ['on one port, one of them everywhere', own, { address: socket(80, { address: '::' }) }, 1],
    ['on one port, of which the held one does not share', {}, own, 1],
    ['on one port, of which the wanted one does not share', own, {}, 1],
    ['on different paths', { address: pipe('/a') }, { address: pipe('/b') }, 0],
    ['on a path and a port', { address: pipe('/a') }, {}, 0],
  ])('%s are in the way of each other or not', (_, wanted, held, count) => {
    const found = unshareableListeners(places(listener(wanted)), places(listener(held)));
    expect(found).toHaveLength(count);
  });

  test('say which of them is held where it is the held one that does not share', () => {
    expect(unshareableListeners(places(listener({})), places(listener(own)))).toEqual([
      'listener l (port 80, held)',
    ]);
  });

  test('of one name and place are named once', () => {
    const both = places(listener(own), listener(own));
    expect(unshareableListeners(both, both)).toHaveLength(1);
  });
});

test('the static and the dynamic listeners of a dump are found', () => {
  const dump: Tree = {
    configs: [
      { listener: listener({ name: 'fixed' }) },
      { active_state: { listener: listener({ name: 'dynamic', address: pipe('/a') }) } },
      { name: 'warming', warming_state: { listener: listener({}) } },
    ],
  };
  expect(placesInDump(dump).map((place) => place.listener)).toEqual(['fixed', 'dynamic']);
});

test.each<[Tree]>([[null], [{}], [[]], ['x'], [{ configs: 1 }], [{ configs: [null, 1, {}] }]])(
  'nothing is found in %j',
  (tree) => {
    expect(placesInDump(tree)).toEqual([]);
    expect(placesInBootstrap(tree)).toEqual([]);
  },
);
