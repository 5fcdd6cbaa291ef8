import { mutantsOf } from '../mutant.ts';

export const ofLifecycle = mutantsOf('lifecycle.ts', [
  [
    'a stopped agent takes events',
    "if (state.phase === 'stopped') return { state, effects: [] };",
    '',
  ],
  [
    'the same content again is a change',
    'if (sameDesired(state.desired, desired)) return turn;',
    '',
  ],
  [
    'a change leaves the tokens spent',
    'setState(known, { crashes: [] }), desired',
    'known, desired',
  ],
  [
    'what is missing is never given up',
    "if (lacks !== 'certificates' || policy.certificateWaitMs === 0) return giveUpWaiting(known);",
    '',
  ],
  [
    'the wait for certificates begins anew with each look',
    "if (state.timers.has('certificateWait')) return known;",
    '',
  ],
  ['a part that is whole again stays held', 'held.delete(part);', 'held.set(part, problems);'],
  ['a timer fires that is not armed', 'if (!turn.state.timers.has(timer)) return turn;', ''],
  ['a stop does not drain after its delay', 'return drain(fired);', 'return terminate(fired);'],
  ['tokens never come back', 'crashes: [], standbyGivenUp: undefined', 'standbyGivenUp: undefined'],
  [
    'a deaf Envoy is waited for and never killed',
    'if (!launch.isKilled) {',
    'if (launch.isKilled) {',
  ],
  [
    'during a stop one deaf Envoy is killed alone',
    'turn.state.stop === undefined ? [launch] : turn.state.launches',
    '[launch]',
  ],
  [
    'an Envoy that fell silent is still said to be initializing',
    'patchLaunch(turn, id, { envoyState: undefined })',
    'turn',
  ],
]);
