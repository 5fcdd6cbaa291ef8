import { mutantsOf } from '../mutant.ts';

export const ofAsks = mutantsOf('asks.ts', [
  [
    'a stopping agent leaves askers without an answer',
    'requests.length === 0 ? turn : refuseRequests(turn, requests);',
    'turn;',
  ],
  [
    'who asks for another mode joins a handover that is not in it',
    " && (mode === 'auto' || mode === askedMode)",
    '',
  ],
  [
    'the way back is begun where nobody is drained',
    'if (returning.state.drained === undefined) return returning;',
    '',
  ],
]);

export const ofDrained = mutantsOf('drained.ts', [
  ['a drain begins during a stop', 'if (stop !== undefined) return turn;', ''],
  [
    'each ask begins the drain anew',
    'const sinceMs = drained?.sinceMs ?? turn.atMs;',
    'const sinceMs = turn.atMs;',
  ],
  ['clients are told to go again and again', 'if (isDrained) return turn;', ''],
  [
    'the way back waits for a handover where nobody serves',
    'isServed ? { ...drained, returning: request } : undefined',
    '{ ...drained, returning: request }',
  ],
  [
    'who comes while it is drained is not told to go',
    'if (drained.returning === undefined) return tellToGo(turn, live);',
    'if (drained.returning === undefined) return turn;',
  ],
  [
    'the way back leads nowhere',
    'return setState(turn, { drained: undefined });',
    'return tellToGo(turn, live);',
  ],
  [
    'a way back that failed brings it back later all the same',
    'return isAnswered ? setState(turn, { drained: drained as Drained }) : turn;',
    'return turn;',
  ],
]);
