/** The ports a bootstrap names, for the agent's own must not be among them. */
import { entryOf, isList, isMap, type Tree } from './tree.ts';

/** What serves the admin when neither setting nor bootstrap names a port. */
export const DEFAULT_ADMIN_PORT = 15_000;

export interface ListenerPort {
  readonly listener: string;
  readonly port: number;
}

/** The TCP ports of the static listeners. */
export function listenerPorts(bootstrap: Tree): readonly ListenerPort[] {
  const listeners = at(bootstrap, 'static_resources', 'listeners');
  if (!isList(listeners)) return [];
  return listeners.flatMap((listener) => {
    const port = portAt(at(listener, 'address', 'socket_address'));
    const name = at(listener, 'name');
    return port === undefined ? [] : [{ listener: typeof name === 'string' ? name : '', port }];
  });
}

/** The port of the bootstrap's own admin; absent when it has none or asks for any free one. */
export function adminPortOf(bootstrap: Tree): number | undefined {
  const port = portAt(at(bootstrap, 'admin', 'address', 'socket_address'));
  return port === 0 ? undefined : port;
}

function portAt(address: Tree | undefined): number | undefined {
  const isUdp = at(address, 'protocol') === 'UDP';
  const port = at(address, 'port_value');
  const number = typeof port === 'string' ? Number(port) : port;
  return typeof number === 'number' && !isUdp ? number : undefined;
}

function at(tree: Tree | undefined, ...keys: readonly string[]): Tree | undefined {
  return keys.reduce<Tree | undefined>(
    (map, key) => (isMap(map) ? entryOf(map, key) : undefined),
    tree,
  );
}
