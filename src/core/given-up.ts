/** What is on disk and was given up, as the status tells of it: which parts, why, and what next. */
import { type Desired, type Part, shortDigest, type TimerName } from './model.ts';
import { secondsOf } from './seconds.ts';
import type { GivenUp, State } from './state.ts';

export interface GivenUpStatus {
  /** What differs from what is LIVE, with the first eight characters of its digest. */
  readonly parts: readonly GivenUpPart[];
  /** The handover that failed. */
  readonly handover: string;
  readonly reason: string;
  readonly agoSeconds: number;
  /** Until it is tried again by itself; absent where that takes a change on disk or someone who asks. */
  readonly againSeconds?: number | undefined;
}

export interface GivenUpPart {
  readonly part: Part;
  readonly digest: string;
}

/** "bootstrap 1f2e3d4c, binary 0a9b8c7d". */
export function givenUpText({ parts }: GivenUpStatus): string {
  return parts.map(({ part, digest }) => `${part} ${digest}`).join(', ');
}

/** The change as a whole first, then certificates that failed alone as well. */
export function givenUpStatus(state: State, atMs: number): readonly GivenUpStatus[] {
  const { refused, refusedCertificates } = state;
  const whole = refused && {
    ...whyOf(refused, atMs),
    parts: partsOf(refused.what, state.committed),
    againSeconds: secondsUntil(state, 'reconsider', atMs),
  };
  const alone = refusedCertificates && {
    ...whyOf(refusedCertificates, atMs),
    parts: [{ part: 'certificates' as const, digest: shortDigest(refusedCertificates.what) }],
    againSeconds: secondsUntil(state, 'reconsiderCertificates', atMs),
  };
  return [whole, alone].filter((one) => one !== undefined);
}

function whyOf({ handover, reason, atMs: thenMs }: GivenUp<unknown>, atMs: number) {
  return { handover, reason, agoSeconds: secondsOf(atMs - thenMs) };
}

const PARTS = ['certificates', 'bootstrap', 'binary'] as const;

function partsOf(what: Desired, committed: Desired | undefined): readonly GivenUpPart[] {
  return PARTS.flatMap((part) => {
    const digest = what[part];
    const isOther = digest !== undefined && digest !== committed?.[part];
    return isOther ? [{ part, digest: shortDigest(digest) }] : [];
  });
}

function secondsUntil({ timers }: State, timer: TimerName, atMs: number): number | undefined {
  const dueMs = timers.get(timer);
  return dueMs === undefined ? undefined : secondsOf(dueMs - atMs);
}
