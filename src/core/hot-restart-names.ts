/** What Envoy's hot restart is called in the system: shared memory, abstract sockets, base ids. */

/** Envoy multiplies a base id by ten; the product of this one still fits 31 bits. */
export const MAX_BASE_ID = 214_748_363;

const LOWEST_DERIVED_BASE_ID = 10_000;
const CANDIDATE_COUNT = 4096;
const SLOTS = [0, 1, 2];
const SOCKET_PREFIXES = ['parent', 'child', 'udp_parent', 'udp_child'].map(
  (role) => `envoy_domain_socket_${role}_`,
);

/** The file's name under /dev/shm; one for all epochs of a base id. */
export function sharedMemoryNameOf(baseId: number): string {
  return `envoy_shared_memory_${baseId * 10}`;
}

/**
 * The abstract socket names, without the leading `@`, that launches of this base id hold: a pair
 * for the protocol and a pair for UDP, in one of three slots (epoch modulo three).
 */
export function socketNamesOf(baseId: number): readonly string[] {
  return SLOTS.flatMap((slot) => SOCKET_PREFIXES.map((prefix) => `${prefix}${baseId * 10 + slot}`));
}

/** The abstract name an agent holds for as long as the base id is its own. */
export function baseIdLockNameOf(baseId: number): string {
  return `baton_base_id_${baseId}`;
}

/**
 * The abstract names in the text of /proc/net/unix, without the leading `@`. Envoy pads its names
 * with zero bytes, which the kernel prints as further `@` signs: they are not part of the name here.
 */
export function abstractNamesIn(procNetUnix: string): ReadonlySet<string> {
  const names = procNetUnix.matchAll(/^(?:\S+ +){7}@([^@\n]+)@*$/gm);
  return new Set(Array.from(names, ([, name]) => name ?? ''));
}

/**
 * Base ids to try, in order, for an identity whose hash is `seed`: the same ones on every start,
 * apart from those of other identities, and none of the small ones that people choose by hand.
 *
 * @param seed An integer, 0 or more.
 */
export function candidateBaseIds(seed: number): readonly number[] {
  const range = MAX_BASE_ID - LOWEST_DERIVED_BASE_ID - CANDIDATE_COUNT;
  const first = LOWEST_DERIVED_BASE_ID + (seed % range);
  return Array.from({ length: CANDIDATE_COUNT }, (_, index) => first + index);
}
