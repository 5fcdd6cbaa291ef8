import { mutantsOf } from '../mutant.ts';

export const ofHandover = mutantsOf('handover.ts', [
  [
    'a restore goes for the change that may have caused it',
    "plan.aim === 'change' ? wantedIn(state, plan.scope) : (state.committed ?? state.desired)",
    'state.desired',
  ],
  [
    'a handover is taken for the content it was begun with',
    'return newest ?? handover.target;',
    'return handover.target;',
  ],
  [
    'checks of a content that is out of date count',
    'if (isOutdated(turn)) return startChecks(turn);\n  const isMeant',
    'const isMeant',
  ],
  ['checks of another handover count', 'handover?.id !== event.handover || ', ''],
  ['headroom is never looked for again', "'headroom', LOOK_AGAIN_MS)", "'headroom', 1e12)"],
  [
    'a cold handover starts beside the old one',
    "if (handover.mode !== 'cold' || launches.length === 0)",
    'if (true)',
  ],
  [
    'a hot handover starts a lineage of its own',
    "mode === 'hot' ? predecessorOf",
    "mode === 'cold' ? predecessorOf",
  ],
  ['a launch id is used again', 'turn.state.launchCount + 1', 'turn.state.launches.length + 1'],
  [
    'a silent launch is waited for twice as long',
    'turn.policy.liveDeadlineMs), {',
    '2 * turn.policy.liveDeadlineMs), {',
  ],
  [
    'an initializing launch gets more time with each answer',
    'const bounded = turn.state.timers.has(`initialize:${event.launch}`)',
    'const bounded = false',
  ],
  [
    'a launch that is LIVE keeps its deadlines',
    'disarm(turn, `silence:${live.id}`, `initialize:${live.id}`)',
    'turn',
  ],
  ['what is LIVE is not remembered as good', 'committed: live.target,', ''],
  [
    'a change that went LIVE stays refused',
    'refused: isAccepted ? undefined : refused,',
    'refused,',
  ],
  [
    'what is LIVE does not count towards the refill',
    'restartRefillTimeMs > 0 ? arm(',
    'restartRefillTimeMs < 0 ? arm(',
  ],
  ['a change does not make the other one outdated', "handover.aim === 'change' ? 1 : 0", '0'],
  [
    'a rescue goes for a child of the doomed one',
    "askedMode: 'side-by-side',",
    "askedMode: 'hot',",
  ],
  [
    'what is taken out of service still counts towards the refill',
    "disarm(turn, 'refill'),",
    'turn,',
  ],
  [
    'one that was killed serves when it says LIVE',
    'live.isKilled && parentOf(turn.state, live) === undefined',
    'false',
  ],
]);
