import { mutantsOf } from '../mutant.ts';

export const ofRetiring = mutantsOf('retiring.ts', [
  [
    'a parent that obeys its child is signalled by us',
    'lineage === successor.lineage) return leaveToItsChild(turn, id, successor);',
    'false) return turn;',
  ],
  ['one of two is retired together with the other', '(isFailing(launch) || !isOneOfTwo)', 'true'],
  ['a hung one stays beside its successor', '(isFailing(launch) || !isOneOfTwo)', '!isOneOfTwo'],
  [
    'a hung one is asked to drain',
    'isHung ? endLaunch(turn, id) : drainByAgent(turn, id)',
    'drainByAgent(turn, id)',
  ],
  [
    'a parent has no time beyond its own',
    'turn.policy.parentShutdownTimeMs + RETIRE_SLACK_MS',
    'turn.policy.parentShutdownTimeMs',
  ],
  [
    'a doomed one is drained for too long',
    'Math.min(DOOMED_RETIRE_MS, parentShutdownTimeMs)',
    'parentShutdownTimeMs',
  ],
  [
    'an idle parent is ended under its child',
    'childOf(turn.state, launch) === undefined ? endLaunch(turn, id) : turn',
    'endLaunch(turn, id)',
  ],
  ['a drained one with clients left is ended', ' || launch.connections !== 0', ''],
  [
    'a dead-locked parent is left alone',
    'RETIRE_SLACK_MS);\n  return killLaunch(turn, id);',
    'RETIRE_SLACK_MS);\n  return turn;',
  ],
  [
    'a parent is killed under a child that starts',
    "if (child.stage === 'starting') return arm(turn, `retire:${id}`, RETIRE_SLACK_MS);",
    '',
  ],
  ['a launch that is not LIVE is told to terminate', " || launch.stage === 'starting') {", ') {'],
  [
    'a doomed one is told to terminate',
    'launch.isKilled || launch.isDoomed || launch.isHung',
    'launch.isKilled || launch.isHung',
  ],
  ['nobody checks whether SIGTERM is obeyed', 'arm(ending, `kill:${id}`, KILL_AFTER_MS)', 'ending'],
  [
    'one the kernel keeps is waited for for ever',
    'arm(killed, `kill:${id}`, UNREAPED_AFTER_MS)',
    'killed',
  ],
  ['SIGKILL is sent again and again', 'if (findLaunch(turn.state, id)?.isKilled) return turn;', ''],
  [
    'a parent that leaves early left on time',
    'agedMs >= turn.policy.parentShutdownTimeMs - EARLY_MARGIN_MS',
    'agedMs >= 0',
  ],
]);
