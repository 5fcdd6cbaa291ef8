/** What becomes of an agent's effects where all goes well, and how long it takes. */
import type { Effect, Event } from '../../../src/core/events.ts';
import type { LaunchId, Policy } from '../../../src/core/model.ts';
import { type Dice, type Range, within } from './dice.ts';

export interface Later {
  readonly afterMs: number;
  readonly event: Event;
}

// As the scenarios `rotation` and `handovers` measure them, with some room to both sides.
const CHECKS: Range = { leastMs: 60, mostMs: 160 };
const LAUNCH_TO_LIVE: Range = { leastMs: 60, mostMs: 240 };

/** @throws Error for an effect that only a fault leads to. */
export function answersTo(effect: Effect, policy: Policy, dice: Dice): readonly Later[] {
  switch (effect.type) {
    case 'checkDesired': {
      const { handover } = effect;
      const event = { type: 'checksPassed', handover, speaksSameVersion: true } as const;
      return [{ afterMs: within(dice, CHECKS), event }];
    }
    case 'launchEnvoy': {
      const event = { type: 'launchLive', launch: effect.launch } as const;
      return [{ afterMs: within(dice, LAUNCH_TO_LIVE), event }];
    }
    case 'drainLaunch':
      return [leftAlone(effect.launch, policy)];
    case 'reportHandover':
      if (effect.end.result === 'committed') return [];
      throw new Error(`Cannot go on: ${effect.end.id} is ${effect.end.result}.`);
    case 'forgetLaunch':
      return [];
    default:
      throw new Error(`Cannot go on: nothing is known of "${effect.type}".`);
  }
}

/** The child's own timer tells it to go. */
function leftAlone(launch: LaunchId, { parentShutdownTimeMs: afterMs }: Policy): Later {
  const outcome = { kind: 'exited', code: 0 } as const;
  return { afterMs, event: { type: 'launchExited', launch, outcome, lastLines: [] } };
}
