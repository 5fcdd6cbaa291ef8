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
  ['clients are told to go again and again', 'if (drainedAtMs !== undefined) return turn;', ''],
  [
    'the way back waits for a handover where nobody serves',
    'isServed ? { ...drained, returning } : undefined',
    '{ ...drained, returning }',
  ],
  [
    'who comes while it is drained is not told to go',
    'if (drained.returning === undefined) return tellToGo(turn, live);',
    'if (drained.returning === undefined) return turn;',
  ],
  [
    'the way back leads nowhere',
    'return setState(withReturn(turn, live), { drained: undefined });',
    'return tellToGo(turn, live);',
  ],
  [
    'who asked for the way back and has it costs one more handover',
    'setState(withReturn(turn, live), {',
    'setState(turn, {',
  ],
  [
    'the other one of two stays out of rotation',
    "if (aim !== 'change' && launches.some(stays)) return turn;",
    '',
  ],
  [
    'who took the way back back is replaced all the same',
    'setState(refuseReturn(turn), {',
    'setState(turn, {',
  ],
  [
    'a way back that failed brings it back later all the same',
    'return setState(turn, { drained: left.length === 0 ? told : { ...told, returning: left } });',
    'return turn;',
  ],
]);
