/** What is under way comes to its good end, as far as anyone can say beforehand. */
import type { Event } from './events.ts';
import { step } from './lifecycle.ts';
import type { Moment, Policy } from './model.ts';
import type { Launch, State } from './state.ts';

export interface Surroundings {
  readonly moment: Moment;
  readonly policy: Policy;
}

/** More than the longest way there is: a handover that fails and is tried again, then another one. */
const MOST_EVENTS = 40;

/** The first state on the way for which `isReached` holds; undefined when the way leads past it. */
export function onTheWay(
  from: State,
  isReached: (state: State) => boolean,
  { moment, policy }: Surroundings,
): State | undefined {
  let state = from;
  let { atMs } = moment;
  for (let count = 0; count < MOST_EVENTS && !isReached(state); count += 1) {
    const event = nextGoodEvent(state);
    if (event === undefined) return undefined;
    // Who leaves earlier than it is told to is in trouble.
    if (event.type === 'launchExited') atMs += policy.parentShutdownTimeMs;
    state = step(state, event, { ...moment, atMs }, policy).state;
  }
  return isReached(state) ? state : undefined;
}

function nextGoodEvent({ handover, launches, unsound }: State): Event | undefined {
  switch (handover?.step) {
    case 'checking':
      return {
        type: 'checksPassed',
        handover: handover.id,
        speaksSameVersion: true,
        isDeliverable: true,
      };
    case 'starting':
      return nextOfStarting(launches.find(({ id }) => id === handover.launch));
    case 'delivering':
      return { type: 'certificatesDelivered', handover: handover.id };
    case 'backoff':
      return { type: 'timerFired', timer: 'retry' };
    case 'headroom':
      return { type: 'timerFired', timer: 'headroom' };
    case 'repairing':
      return repairOf([...unsound].find(([, why]) => why === 'poisoned')?.[0]);
    case 'clearing':
    case 'retiring':
    case undefined:
      return exitOf(launches.find(({ stage }) => stage === 'retiring' || stage === 'stopping'));
  }
}

/** Nothing good comes of one that was killed. */
function nextOfStarting(launch: Launch | undefined): Event | undefined {
  if (launch?.isKilled) return exitOf(launch);
  return launch && { type: 'launchLive', launch: launch.id };
}

function exitOf(launch: Launch | undefined): Event | undefined {
  const outcome = { kind: 'exited', code: 0 } as const;
  return launch && { type: 'launchExited', launch: launch.id, outcome, lastLines: [] };
}

function repairOf(lineage: Launch['lineage'] | undefined): Event | undefined {
  return lineage && { type: 'lineageRepaired', lineage, isSound: true, reason: 'repaired' };
}
