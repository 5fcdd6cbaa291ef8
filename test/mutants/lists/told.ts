import { mutantsOf } from '../mutant.ts';

export const ofGivenUp = mutantsOf('given-up.ts', [
  [
    'what is LIVE is told as given up',
    'digest !== undefined && digest !== committed?.[part]',
    'digest !== undefined',
  ],
  [
    'certificates that were given up alone are tried again with the whole change',
    "secondsUntil(state, 'reconsiderCertificates', atMs)",
    "secondsUntil(state, 'reconsider', atMs)",
  ],
]);

export const ofWaits = mutantsOf('waits.ts', [
  [
    'tokens that are whole are waited for',
    "timer !== 'refill' || state.crashes.length > 0",
    'true',
  ],
  ['a deadline is taken for what is expected', 'return expectedMs ?? dueMs;', 'return dueMs;'],
  [
    'who drains by itself is told by its child',
    'return childOf(state, launch) !== undefined;',
    'return true;',
  ],
  [
    'one that was killed is killed again',
    "launch?.isKilled ? 'it is waited for no longer' : KILLED",
    'KILLED',
  ],
]);

export const ofDryRun = mutantsOf('dry-run.ts', [
  [
    'what is under way counts for nothing',
    'onTheWay(asked, isBegun, question) ?? alone(state, question)',
    'alone(state, question)',
  ],
  [
    'a dry run ends at another handover',
    "handover?.step === 'checking' && handover.requests.includes(REQUEST)",
    "handover?.step === 'checking'",
  ],
  [
    'Envoy is not asked for its own validation',
    "check: { ...check, target, depth: 'full' }",
    'check: { ...check, target }',
  ],
  ['a restart that would be refused passes', "if (kind === 'refused') return", 'if (false) return'],
  ['a restart that would wait passes', "if (kind === 'waits') {", 'if (false) {'],
  [
    'a stopping agent promises a restart',
    "if (refusal?.type !== 'reportHandover') return undefined;",
    "if (refusal?.type !== 'never') return undefined;",
  ],
]);

export const ofGoodEnd = mutantsOf('good-end.ts', [
  [
    'who leaves is taken for one that died too early',
    "if (event.type === 'launchExited') atMs += policy.parentShutdownTimeMs;",
    '',
  ],
  [
    'who retires stays for ever',
    "stage === 'retiring' || stage === 'stopping'",
    "stage === 'stopping'",
  ],
]);

export const ofHistory = [
  ...mutantsOf('history-handovers.ts', [
    ['handovers pile up', 'all.length > MOST_HANDOVERS ? all.slice(-MOST_HANDOVERS) : all', 'all'],
    [
      'failures pile up',
      '[...one.failures, failure].slice(-MOST_FAILURES)',
      '[...one.failures, failure]',
    ],
    ['one that is known is begun again', 'const known = isKnown ? handovers :', 'const known ='],
    [
      'one that gave way to the next never ends',
      'left === undefined || left === after.handover?.id',
      'left === undefined || after.handover !== undefined',
    ],
    [
      'connections of one old launch alone are counted',
      '(one.connectionsLeft ?? 0) + connections',
      'connections',
    ],
  ]),
  ...mutantsOf('history-launches.ts', [
    ['lanes pile up', 'ended.length - MOST_ENDED', 'ended.length - Infinity'],
    ['one that ended ends again', 'if (lane.end !== undefined) return lane;', ''],
    [
      'an end that was asked for is a surprise',
      'outcome === undefined || !endedAsAsked({ state: before, atMs, policy }, launch, outcome)',
      'true',
    ],
    [
      'a stop is told as a replacement',
      'liveAtMs === undefined || after.stop !== undefined',
      'liveAtMs === undefined',
    ],
  ]),
  ...mutantsOf('spans.ts', [
    ['a step that goes on begins anew', 'if (kept.at(-1)?.name === next.name) return spans;', ''],
    ['steps pile up', 'if (longer.length <= 2 * KEPT_AT_EACH_END) return', 'if (true) return'],
  ]),
];

export const ofRepeats = mutantsOf('repeats.ts', [
  [
    'kinds pile up',
    'known === undefined && windows.size >= mostKinds && name !== OTHER_KINDS',
    'false',
  ],
  ['windows that are over keep others out', 'if (isOver(window, atMs)) windows.delete(name)', ''],
  ['one line more than may be', 'window.writtenCount < most', 'window.writtenCount <= most'],
  [
    'what was left out is never told of',
    'return window.leftOut === undefined && atMs >= window.endsAtMs;',
    'return atMs >= window.endsAtMs;',
  ],
  [
    'a window is told of as often as it leaves something out',
    'return leftOut === undefined\n        ?',
    'return true\n        ?',
  ],
  ['only the first that was left out is counted', 'count: leftOut.count + 1', 'count: 1'],
]);

export const ofRepeatable = mutantsOf('repeatable.ts', [
  ['access logs are left out', "kind === 'access' || (", '('],
  [
    'what tells of a change of state is left out',
    'LOG_EVENTS[message].isLimited !== true || (',
    '(',
  ],
]);

export const ofReadiness = mutantsOf('readiness.ts', [
  ['one that hangs is ready', '!serving.isHung && ', ''],
  ['one that is out of rotation is ready', ' || state.drained !== undefined)', ')'],
  ['one that is leaving is ready', ' || isLeaving', ''],
  ['one that told its clients to go is ready', ' && serving.drainedAtMs === undefined', ''],
  [
    'an application that is not ready is passed over',
    'application === undefined || application.ready',
    'true',
  ],
]);

export const ofStopPlan = mutantsOf('stop-plan.ts', [
  [
    'a drain that was asked for counts for nothing at a stop',
    'if (drained === undefined) return policy;',
    'return policy;',
  ],
  ['a drain that has lasted too long counts backwards', 'Math.max(0, leftMs)', 'leftMs'],
]);
