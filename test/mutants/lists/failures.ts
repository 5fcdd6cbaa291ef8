import { mutantsOf } from '../mutant.ts';

export const ofFailures = mutantsOf('failures.ts', [
  [
    'an exit during a stop begins something',
    'if (gone.state.stop !== undefined) return continueStop(gone);',
    '',
  ],
  [
    'a cold handover never goes on once the old one is gone',
    "if (handover?.step === 'clearing') return proceed(turn);",
    '',
  ],
  [
    'a child whose parent died before it was LIVE is left to hang',
    "if (child?.stage === 'starting') return killLaunch(turn, child.id);",
    '',
  ],
  [
    'a parent that died too early counts as gone on time',
    'child === undefined || leftOnTime(turn, launch, wasClean)',
    'true',
  ],
  [
    'a parent that failed on time counts as gone well',
    "event.outcome.kind === 'exited' && event.outcome.code === 0",
    "event.outcome.kind === 'exited'",
  ],
  ['a doomed child is not known as such', '{ isDoomed: true }', '{}'],
  [
    'a handover is over while someone still retires',
    "({ stage }) => stage === 'retiring' || stage === 'stopping',\n  );\n  return isSomeoneLeft",
    "({ stage }) => stage === 'stopping',\n  );\n  return isSomeoneLeft",
  ],
  ['a crash leaves the refill running', "disarm(turn, 'refill')", 'turn'],
  [
    'the loss of one of two is an outage',
    'isServed(counted) ? onOneOfTwoLost',
    '!isServed(counted) ? onOneOfTwoLost',
  ],
  [
    'the token of a crash has no delay',
    'return backOff(prepareHandover(ended, plan), delayMs);\n}\n\n/** Who asked',
    'return backOff(prepareHandover(ended, plan), 0);\n}\n\n/** Who asked',
  ],
  [
    'who asked is not answered by the handover that follows a crash',
    "aim: 'restore', requests }",
    "aim: 'restore', requests: [] }",
  ],
  [
    'a failed start behind what serves is a crash',
    'isServed(turn) ? withAttempt(turn, attempt) : recordCrash(turn, attempt);\n  const exitCode',
    'recordCrash(turn, attempt);\n  const exitCode',
  ],
  [
    'what no retry mends is tried again',
    'if (exitCode !== undefined) return stopFor(counted, exitCode, reasonOf(attempt));',
    '',
  ],
  [
    'a poisoned lineage is used again without repair',
    'if (parentOf(counted.state, launch) === undefined) return',
    'return',
  ],
  [
    'a lineage beyond repair counts as sound',
    "event.isSound ? undefined : 'beyondRepair'",
    'undefined',
  ],
  [
    'a takeover that nobody saw is taken for a failed start',
    'event.hasTakenOver ? onUnseenTakeover(judged, event.lineage) : judged',
    'judged',
  ],
  [
    'a lineage stays poisoned by a child that we killed',
    "isPoisoned && isFree ? emit(turn, { type: 'repairLineage', lineage }) : turn",
    'turn',
  ],
  ['what waits for room does not see that there is some', "handover?.step === 'headroom'", 'false'],
]);
