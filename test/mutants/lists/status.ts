import { mutantsOf } from '../mutant.ts';

export const ofSuppressedTriggers = mutantsOf('suppressed-triggers.ts', [
  [
    'a change that is taken back is not told as such',
    "if (sameDesired(desired, committed)) return 'takenBack';",
    '',
  ],
  [
    'a change that is watched in part is told as ignored',
    'if (!changed.some((part) => triggers.has(part)))',
    'if (!changed.every((part) => triggers.has(part)))',
  ],
  [
    'who began a handover joined it',
    'before.handover !== undefined && before.handover.id === after.handover?.id',
    'after.handover !== undefined',
  ],
]);

export const ofStandbyStatus = mutantsOf('standby-status.ts', [
  ['one that hangs is a second one', "stage === 'live' && !isHung", "stage === 'live'"],
  [
    'a standby that was given up is starting',
    "if (state.standbyGivenUp !== state.generation) return { state: 'starting' };",
    "return { state: 'starting' };",
  ],
]);

export const ofDrainedStatus = mutantsOf('drained-status.ts', [
  [
    'a launch that was not counted has no clients',
    'sum === undefined || connections === undefined ? undefined : sum + connections',
    '(sum ?? 0) + (connections ?? 0)',
  ],
]);

export const ofRestartProgress = mutantsOf('restart-progress.ts', [
  [
    'who did not ask is told of the proof',
    'if (!proving?.requests.includes(request)) return undefined;',
    'if (proving === undefined) return undefined;',
  ],
  [
    'one that has answered is waited for as if it were silent',
    'hasAnswered ? `initialize:${launch}` : `silence:${launch}`',
    '`silence:${launch}`',
  ],
  ['the first of several deadlines is told', 'Math.max(...times)', 'Math.min(...times)'],
]);
