import { mutantsOf } from '../mutant.ts';

export const ofTurn = mutantsOf('turn.ts', [
  [
    'a deadline that is armed is not moved',
    'new Map(turn.state.timers).set(name, turn.atMs + afterMs)',
    'new Map(turn.state.timers).set(name, turn.state.timers.get(name) ?? turn.atMs + afterMs)',
  ],
  [
    'the timers of who is gone stay',
    'disarm(setState(turn, { launches, unsound }), ...timersOf(id))',
    'setState(turn, { launches, unsound })',
  ],
  ['a lineage of which nobody lives stays unsound', 'living.has(lineage))', 'true)'],
  [
    'the files of who is gone stay',
    "emit(without, { type: 'forgetLaunch', launch: id })",
    'without',
  ],
  [
    'an epoch leaves a hole',
    'living.map((launch) => launch.epoch)) + 1',
    'living.map((launch) => launch.epoch)) + 2',
  ],
  ['a child is taken for its parent', 'launch.epoch > parent.epoch', 'launch.epoch < parent.epoch'],
]);

export const ofTokens = mutantsOf('restart-tokens.ts', [
  [
    'one token less than there are',
    'failureCount > policy.restartTokens',
    'failureCount >= policy.restartTokens',
  ],
  ['each token costs the same', '2 ** (failureCount - 1)', '1'],
  [
    'tokens left are less than none',
    'Math.max(0, policy.restartTokens - failureCount)',
    'policy.restartTokens - failureCount',
  ],
]);

export const ofReconcile = mutantsOf('reconcile.ts', [
  [
    'a second handover begins beside the first',
    'state.stop !== undefined || state.handover !== undefined;\n  if (isBusy || state.desired',
    'state.stop !== undefined;\n  if (isBusy || state.desired',
  ],
  [
    'a handover begins while someone still retires',
    "if (state.launches.some(({ stage }) => stage !== 'live')) return turn;",
    '',
  ],
  ['one whose replacement failed hangs for ever', 'if (isDue) return', 'if (false) return'],
  [
    'under steady changes one of two falls behind',
    'one.generation <= oldest.generation ? one : oldest',
    'one',
  ],
  [
    'who waits for a handover waits for the next one too',
    'setState(turn, { pending: [] }), {\n    triggers',
    'turn, {\n    triggers',
  ],
  [
    'a change is not jittered',
    'return policy.jitterMs === 0 ? startChange(turn) : delayByChance(turn);',
    'return startChange(turn);',
  ],
  [
    'a jitter goes on after the change was taken back',
    "keepStandby(disarm(turn, 'jitter'))",
    'keepStandby(turn)',
  ],
  ['there is no second one', '!policy.standby || ', 'true || '],
  ['the second one stays behind', 'generation < state.generation', 'false'],
  [
    'a standby that was given up is kept trying',
    ' || state.standbyGivenUp === state.generation',
    '',
  ],
]);

export const ofHangs = mutantsOf('hangs.ts', [
  ['slowness counts as a hang', 'silentMs >= hangDeadlineMs', 'silentMs >= 0'],
  ['a hang is acted on although that is switched off', 'hangDeadlineMs > 0 && ', ''],
  [
    'a hung child is replaced under a hung parent',
    'if (parent?.silentMs !== undefined) return killLaunch(turn, parent.id);',
    '',
  ],
  [
    'a parent that hangs while it drains is left alone',
    "if (launch.stage === 'retiring') return killLaunch(turn, launch.id);",
    "if (launch.stage === 'retiring') return turn;",
  ],
  [
    'one that hangs costs no token',
    'recordCrash(patchLaunch(',
    '((turn: Turn) => turn)(patchLaunch(',
  ],
  [
    'one that answers again is still silent',
    '{ silentMs: undefined, isHung: undefined }',
    '{ isHung: undefined }',
  ],
  [
    'one that answers again is still replaced as hung',
    '{ silentMs: undefined, isHung: undefined }',
    '{ silentMs: undefined }',
  ],
]);

export const ofChanges = mutantsOf('changes.ts', [
  [
    'certificates are tried on a bootstrap that was given up',
    '{ ...committed, certificates }',
    'desired',
  ],
  [
    'a change is made although it was refused',
    'sameDesired(desired, state.refused?.what) ? partsBesideRefused(state) : PARTS',
    'PARTS',
  ],
  [
    'certificates wait for a bootstrap that was given up',
    "alone !== undefined && isUntried ? ['certificates'] : []",
    '[]',
  ],
  ['a change that is not watched is made', 'policy.triggers.has(part) && ', ''],
]);
