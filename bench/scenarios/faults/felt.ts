/** What traffic noticed of a fault, in words, and whether its cell allows for that much. */
import { type Place, titleOf } from '../../../test/faults/matrix.ts';
import type { Loss } from '../../../test/faults/vocabulary.ts';
import type { Ledger } from '../../judge/ledger.ts';
import type { Figure } from '../../scenario.ts';

/** The first token's delay, and until the Envoy that is started then answers. */
const LONGEST_OUTAGE_MS = 200 + 150;

interface Limit {
  readonly bound?: string;
  isKept(ledger: Ledger, isMigrating: boolean): boolean;
}

/** How much of each kind of loss is as promised. */
const limits: Readonly<Record<Loss, Limit>> = {
  none: { bound: '0 lost', isKept: ({ lost }) => lost === 0 },
  queued: {
    bound: '0 lost, with tcp_migrate_req',
    isKept: ({ lost }, isMigrating) => lost === 0 || !isMigrating,
  },
  inFlight: { bound: 'in flight, 0 refused', isKept: nothingRefused },
  delay: {
    bound: `out for <= ${LONGEST_OUTAGE_MS} ms`,
    isKept: (ledger) => Math.max(ledger.longestGap.ms, lostWithinMs(ledger)) <= LONGEST_OUTAGE_MS,
  },
  silence: { bound: 'in flight, 0 refused', isKept: nothingRefused },
  start: { isKept: () => true },
};

/** `isMigrating`: the kernel saves what waits in an accept queue that closes. */
export function feltFigure(place: Place, ledger: Ledger, isMigrating: boolean): Figure {
  const { bound, isKept } = limits[place.cell.lost];
  return {
    name: titleOf(place),
    measured: feltBy(ledger),
    ...(bound === undefined ? {} : { bound }),
    isMet: !ledger.isVoid && isKept(ledger, isMigrating),
  };
}

/** E.g. `27 of 746 lost within 270 ms, gap 12 ms`: all of the lost were due within that time. */
export function feltBy(ledger: Ledger): string {
  const within = ledger.lost > 1 ? ` within ${Math.round(lostWithinMs(ledger))} ms` : '';
  const gap = `gap ${Math.round(ledger.longestGap.ms)} ms`;
  return `${ledger.lost} of ${ledger.sent} lost${within}, ${gap}`;
}

/**
 * From the first request that was lost to the last, as they were due. Where kept connections are
 * served on it tells how long new ones were not, which the longest gap does not.
 */
function lostWithinMs({ lost, lostRows, durationMs }: Ledger): number {
  if (lost === 0) return 0;
  const dueMs = lostRows.map(({ intendedMs }) => intendedMs);
  // The ledger does not keep all rows of a long list: the rest may be anywhere.
  return lost > lostRows.length ? durationMs : Math.max(...dueMs) - Math.min(...dueMs);
}

function nothingRefused({ lost, lostRows }: Ledger): boolean {
  const isWhole = lost === lostRows.length;
  return (
    isWhole && lostRows.every((row) => row.detail !== 'ECONNREFUSED' && row.class !== 'timedOut')
  );
}
