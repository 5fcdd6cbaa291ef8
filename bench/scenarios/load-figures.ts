/** What is told of one load's ledger. */
import { type Ledger, MISSED_SCHEDULE_SHARE } from '../judge/ledger.ts';
import { type Figure, rounded, told } from '../scenario.ts';

/** Nothing lost, by a generator that kept to its own schedule. */
export function loadFigures(name: string, ledger: Ledger): readonly Figure[] {
  const { churn, latencyMs, longestGap } = ledger;
  const lateShare = rounded((ledger.missedSchedule / Math.max(1, ledger.sent)) * 100);
  return [
    {
      name: `${name}: lost`,
      measured: `${ledger.lost} of ${ledger.sent}${lossesOf(ledger)}`,
      bound: '= 0',
      isMet: ledger.lost === 0,
    },
    {
      name: `${name}: begun too late by the judge itself`,
      measured: `${lateShare} %, by ${rounded(ledger.longestHoldUpMs)} ms at most`,
      bound: `<= ${MISSED_SCHEDULE_SHARE * 100} %`,
      isMet: !ledger.isVoid,
    },
    told(`${name}: longest gap between answers`, `${rounded(longestGap.ms)} ms`),
    told(
      `${name}: latency p50 / p99 / max`,
      `${[latencyMs.p50, latencyMs.p99, latencyMs.max].map(rounded).join(' / ')} ms`,
    ),
    told(`${name}: answered after more than a second`, String(ledger.late)),
    told(
      `${name}: kept connections renewed, announced / idle`,
      `${churn.announcedClose} / ${churn.staleClose}`,
    ),
  ];
}

/** At least this many requests a second, all loads together; the upstream saw all that are ok. */
export function rateFigures(
  ledgers: readonly Ledger[],
  { atLeastPerSecond, servedCount }: { atLeastPerSecond: number; servedCount: number },
): readonly Figure[] {
  const perSecond = ledgers.reduce(
    (sum, { sent, durationMs }) => sum + (sent * 1000) / durationMs,
    0,
  );
  const newShare =
    ledgers.reduce((sum, ledger) => sum + ledger.onNewConnections, 0) /
    ledgers.reduce((sum, ledger) => sum + ledger.sent, 0);
  const okCount = ledgers.reduce((sum, { counts }) => sum + counts.ok, 0);
  return [
    {
      name: 'requests a second',
      measured: `${Math.round(perSecond)}, ${Math.round(newShare * 100)} % on new connections`,
      bound: `>= ${atLeastPerSecond}`,
      isMet: Math.round(perSecond) >= atLeastPerSecond,
    },
    {
      name: 'ok answers that the upstream saw',
      measured: `${okCount} of ${servedCount} seen`,
      bound: 'all',
      isMet: okCount <= servedCount,
    },
  ];
}

function lossesOf(ledger: Ledger): string {
  const losses = Object.entries(ledger.counts).filter(
    ([name, count]) => name !== 'ok' && count > 0,
  );
  return losses.map(([name, count]) => `, ${count} ${name}`).join('');
}
