/** What the checks of a simulated world find. */
import type { Event } from '../../src/core/events.ts';
import type { HandoverId } from '../../src/core/model.ts';

/** `fails` and `cannotTell` (transient) fail; all others but `passes` pass with a reservation. */
export type Verdict =
  | 'passes'
  | 'otherVersion'
  | 'obstacle'
  | 'unshareable'
  | 'short'
  | 'shortAndUnshareable'
  | 'fails'
  | 'cannotTell';

const SHORT = { memoryShortage: { neededBytes: 90_000_000, freeBytes: 10_000_000 } };
const UNSHAREABLE = { unshareableListeners: ['unix.sock'], speaksSameVersion: false };

const RESERVATIONS = {
  passes: {},
  otherVersion: { speaksSameVersion: false },
  obstacle: { obstacleToHot: 'its names are held by another process' },
  unshareable: UNSHAREABLE,
  short: SHORT,
  shortAndUnshareable: { ...SHORT, ...UNSHAREABLE },
} as const;

/** The checks' answer for this handover. */
export function answerOf(handover: HandoverId, verdict: Verdict): Event {
  if (verdict === 'fails' || verdict === 'cannotTell') {
    const failed = { type: 'checksFailed', handover, problems: ['Cannot do it.'] } as const;
    const isTransient = verdict === 'cannotTell' ? ({ isTransient: true } as const) : {};
    return { ...failed, exitCode: 78, ...isTransient };
  }
  const passed = { type: 'checksPassed', handover, isDeliverable: true } as const;
  return { ...passed, speaksSameVersion: true, ...RESERVATIONS[verdict] };
}
