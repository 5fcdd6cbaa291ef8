/**
 * Who has to go when there is no room for one more. What decides first is how much of the room one
 * party takes: a crowd from one place costs a single guest from another nothing.
 */

/** What someone is doing here, the least worth keeping first. */
export const USES = ['idle', 'reading', 'waiting'] as const;

export interface Guest {
  /** Where they come from. */
  readonly party: string;
  /**
   * `idle`: they want nothing yet, or take their time to say what. `reading`: they have been
   * answered and have not taken the answer. `waiting`: their answer is being made.
   */
  readonly use: (typeof USES)[number];
  /** What is kept in memory for them. */
  readonly byteCount: number;
}

/**
 * Of the largest party the one of the least use; of those the first. Undefined when there is nobody.
 */
export function leastWorthKeeping<Someone extends Guest>(
  guests: Iterable<Someone>,
): Someone | undefined {
  return firstOfLargest([...guests], () => 1);
}

/** The same, when it is memory that is short: the largest party is the one that takes most of it. */
export function leastWorthItsMemory<Someone extends Guest>(
  guests: Iterable<Someone>,
): Someone | undefined {
  const heavy = [...guests].filter(({ byteCount }) => byteCount > 0);
  return firstOfLargest(heavy, ({ byteCount }) => byteCount);
}

function firstOfLargest<Someone extends Guest>(
  guests: readonly Someone[],
  weightOf: (guest: Someone) => number,
): Someone | undefined {
  const weights = new Map<string, number>();
  for (const guest of guests) {
    weights.set(guest.party, (weights.get(guest.party) ?? 0) + weightOf(guest));
  }
  const largest = Math.max(...weights.values());
  const theirs = guests.filter(({ party }) => weights.get(party) === largest);
  for (const use of USES) {
    const found = theirs.find((guest) => guest.use === use);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Where an address belongs: an IPv4 address to itself, an IPv6 address to its network of 64 bits,
 * all of which one machine may have.
 */
export function partyOf(address: string): string {
  const ipv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (ipv4 !== undefined) return ipv4;
  const [head = '', tail = ''] = withoutZone(address).split('::');
  const first = head.split(':').filter(Boolean);
  const last = tail.split(':').filter(Boolean);
  const zeros = address.includes('::')
    ? Array<string>(8 - first.length - last.length).fill('0')
    : [];
  return [...first, ...zeros, ...last].slice(0, 4).join(':').toLowerCase();
}

function withoutZone(address: string): string {
  return address.split('%', 1)[0] ?? address;
}
