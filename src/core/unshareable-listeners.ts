/**
 * Which listeners two Envoys cannot have at once. Tried on Envoy 1.40, a second process with the
 * same listeners beside the first:
 * - TCP and UDP ports: shared by the kernel (`SO_REUSEPORT`, Envoy's default on Linux).
 * - `enable_reuse_port: false`: the second one cannot bind and exits. The older `reuse_port: false`
 *   has no effect at all, and neither has the runtime flag that once changed the default.
 * - a unix socket by path: the second one takes the path away from the first before it serves, and
 *   for good when it then fails. An abstract one: it cannot bind and exits.
 * - the same in a listener of LDS: the second one gets LIVE without it.
 * - `bind_to_port: false`, internal listeners, port 0: nothing is bound that could be in the way.
 */
import { field, itemsOf } from './proto-json.ts';
import type { Tree } from './tree.ts';

/** One address that a listener binds. */
export interface Place {
  readonly listener: string;
  readonly at: Pipe | Port;
  readonly reusesPort: boolean;
}

interface Pipe {
  readonly path: string;
}

interface Port {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** What the static listeners of a bootstrap bind. */
export function placesInBootstrap(bootstrap: Tree): readonly Place[] {
  return itemsOf(field(field(bootstrap, 'static_resources'), 'listeners')).flatMap(placesOf);
}

/** What the listeners of an answer to `/config_dump` bind, the static and the dynamic ones. */
export function placesInDump(dump: Tree): readonly Place[] {
  return itemsOf(field(dump, 'configs'))
    .map((config) => field(config, 'listener') ?? field(field(config, 'active_state'), 'listener'))
    .flatMap(placesOf);
}

/**
 * The wanted ones that cannot be bound while the others are held, in words that name the listener.
 * Empty when none would be in the way.
 */
export function unshareableListeners(
  wanted: readonly Place[],
  held: readonly Place[],
): readonly string[] {
  const inTheWay = wanted.filter((place) => held.some((other) => areExclusive(place, other)));
  return [...new Set(inTheWay.map(describe))];
}

function areExclusive(one: Place, other: Place): boolean {
  if ('path' in one.at || 'path' in other.at) {
    return 'path' in one.at && 'path' in other.at && one.at.path === other.at.path;
  }
  return overlap(one.at, other.at) && !(one.reusesPort && other.reusesPort);
}

function overlap(one: Port, other: Port): boolean {
  const isSamePort = one.port === other.port && one.protocol === other.protocol;
  const isAny = WILDCARDS.has(one.address) || WILDCARDS.has(other.address);
  return isSamePort && (isAny || one.address === other.address);
}

function describe({ listener, at, reusesPort }: Place): string {
  if ('path' in at) return `listener ${listener} (unix socket ${at.path})`;
  const why = reusesPort ? 'held' : 'enable_reuse_port is off';
  return `listener ${listener} (port ${at.port}, ${why})`;
}

function placesOf(listener: Tree | undefined): readonly Place[] {
  if (field(listener, 'bind_to_port') === false) return [];
  const name = field(listener, 'name');
  const more = itemsOf(field(listener, 'additional_addresses'));
  const addresses = [field(listener, 'address'), ...more.map((one) => field(one, 'address'))];
  return addresses
    .map(placeAt)
    .filter((at) => at !== undefined)
    .map((at) => ({
      listener: typeof name === 'string' && name !== '' ? name : 'without a name',
      at,
      reusesPort: field(listener, 'enable_reuse_port') !== false,
    }));
}

function placeAt(address: Tree | undefined): Pipe | Port | undefined {
  const path = field(field(address, 'pipe'), 'path');
  if (typeof path === 'string') return { path };
  const socket = field(address, 'socket_address');
  const port = Number(field(socket, 'port_value') ?? 0);
  if (!(port > 0)) return undefined;
  const protocol = String(field(socket, 'protocol') ?? 'TCP');
  return { protocol, address: String(field(socket, 'address')), port };
}
