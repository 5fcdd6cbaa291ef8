import { mutantsOf } from '../mutant.ts';

export const ofTries = mutantsOf('tries.ts', [
  [
    'a change never falls back to what was LIVE',
    "handover.aim === 'change' && committed !== undefined",
    'false',
  ],
  [
    'the last token of a change is one too many',
    'const delayMs = delayAfterFailure(handover.attempts.length, turn.policy);',
    'const delayMs = delayAfterFailure(handover.attempts.length - 1, turn.policy);',
  ],
  [
    'a silent launch is followed at once',
    'attempt.wasSilent ? Math.max(delayMs, PENDING_REPLY_MS) : delayMs',
    'delayMs',
  ],
  [
    'what could not be tried is refused for good',
    "'reconsider', RECONSIDER_MS)",
    "'reconsider', 1e12)",
  ],
  [
    'a refused change ends the agent',
    "if (isServed(turn)) return endHandover(turn, 'refused', reason);",
    '',
  ],
  [
    'one that answers again is replaced all the same',
    'if (isNeedless(turn.state, handover)) return ANSWERS_AGAIN;',
    '',
  ],
  [
    'a change waits for a standby that fails again and again',
    "return aim === 'standby' && isChangeWaiting(turn) ?",
    'return false ?',
  ],
  ['tokens spent by hangs never come back', "arm(spent, 'refill', restartRefillTimeMs)", 'spent'],
  [
    'a change is tried again before a hung Envoy is replaced',
    "aim !== 'restore' && failingLaunch(turn.state) !== undefined",
    'false',
  ],
]);
