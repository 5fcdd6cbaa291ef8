import { expect, test } from 'vitest';
import { adminPortOf, listenerPorts } from '../../src/core/bootstrap-ports.ts';
import type { TreeMap } from '../../src/core/tree.ts';

const listener = (name: string, socket_address: TreeMap) => ({ name, address: { socket_address } });

test('the ports of a bootstrap are those of its static TCP listeners', () => {
  const bootstrap = {
    static_resources: {
      listeners: [
        listener('in', { address: '0.0.0.0', port_value: 80 }),
        listener('text', { address: '0.0.0.0', port_value: '81' }),
        listener('quic', { protocol: 'UDP', address: '0.0.0.0', port_value: 82 }),
        { name: 'pipe', address: { pipe: { path: '/x' } } },
      ],
    },
  };

  expect(listenerPorts(bootstrap)).toEqual([
    { listener: 'in', port: 80 },
    { listener: 'text', port: 81 },
  ]);
});

test.each([
  ['no map', 'text', undefined],
  ['no admin', {}, undefined],
  ['any free port', { admin: { address: { socket_address: { port_value: 0 } } } }, undefined],
  ['a port', { admin: { address: { socket_address: { port_value: 9901 } } } }, 9901],
])("the admin's port is found where the bootstrap has %s", (_name, bootstrap, port) => {
  expect(adminPortOf(bootstrap)).toBe(port);
  expect(listenerPorts(bootstrap)).toEqual([]);
});
