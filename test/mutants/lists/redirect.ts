import { mutantsOf } from '../mutant.ts';

export const ofRedirect = mutantsOf('redirect.ts', [
  [
    'who joins a handover is forgotten',
    'requests: [...handover.requests, ...asked]',
    'requests: handover.requests',
  ],
  [
    'a delay is waited out although the content changed',
    "if (handover?.step !== 'backoff' || isSilent(handover)) return turn;",
    'return turn;',
  ],
  [
    'a late answer to a silent launch is not waited out',
    "handover?.step !== 'backoff' || isSilent(handover)",
    "handover?.step !== 'backoff'",
  ],
  [
    'a hurried handover leaves its delay armed',
    "return startChecks(disarm(turn, 'retry'));",
    'return startChecks(turn);',
  ],
  [
    'a hurried handover goes on looking for headroom',
    "return startChecks(disarm(turn, 'headroom'));",
    'return startChecks(turn);',
  ],
  [
    'a change waits for a standby that is not launched yet',
    "return endHandover(turn, 'abandoned', 'a change comes first');",
    'return turn;',
  ],
  ['a doomed Envoy waits for a full check of a change', 'isWaiting && !isRescue', 'isWaiting'],
  [
    'the only launch that could serve is killed for a change',
    'servingLaunch(turn.state) !== undefined && isChangeWaiting(turn)',
    'isChangeWaiting(turn)',
  ],
]);
