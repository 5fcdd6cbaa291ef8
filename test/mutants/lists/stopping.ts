import { mutantsOf } from '../mutant.ts';

export const ofStopping = mutantsOf('stopping.ts', [
  [
    'a Ctrl-C that is passed on counts twice',
    'turn.atMs - stop.lastAskedAtMs < SAME_ASK_MS',
    'false',
  ],
  [
    'a second ask is waited out',
    "if (askedCount === 2 && stop.step !== 'terminating') return terminate(asked);",
    '',
  ],
  ['a third ask kills nobody', 'askedCount >= 3', 'askedCount > 3'],
  ['a quick stop drains', "order.how === 'now' || !isDraining", '!isDraining'],
  [
    'what waits for a run goes on waiting',
    'disarm(settleProof(ended, reason), ...WAITS_OF_A_RUN)',
    'settleProof(ended, reason)',
  ],
  [
    'who waits for a handover is left without an answer',
    'requests.length === 0 ? cleared : refuseRequests(cleared, requests)',
    'cleared',
  ],
  [
    'what starts goes on starting',
    'killStarting(setState(quiet, { handover: undefined, stop }))',
    'setState(quiet, { handover: undefined, stop })',
  ],
  ['the last connection ends the drain before its time', 'stop.minReached && isIdle', 'isIdle'],
  [
    'the drain never ends early',
    'stop.minReached && isIdle ? terminate(turn) : turn',
    'stop.minReached && isIdle ? turn : turn',
  ],
  ['one that was never counted is idle', 'connections === 0,', '(connections ?? 0) === 0,'],
  [
    'one that hangs keeps the drain from its end',
    "stage === 'stopping' || isHung || connections",
    "stage === 'stopping' || connections",
  ],
  [
    'the drain has no upper bound',
    "'drainMax',\n    terminationDrainMaxMs",
    "'drainMin',\n    terminationDrainMaxMs",
  ],
  [
    'a parent is told to terminate beside its child',
    "launch.stage !== 'stopping' && isTopmost(turn.state, launch)",
    "launch.stage !== 'stopping'",
  ],
  [
    'the agent leaves while someone lives',
    'if (newest === undefined) return exitAgent(turn, stop);',
    'return exitAgent(turn, stop);',
  ],
  [
    'a cut short stop exits as if it were none',
    'exitCode: EXIT.cutShort',
    'exitCode: stop.exitCode',
  ],
  [
    'a child draining at its parent is told off twice',
    "knowsAlready(turn.state, launch) ? ('count' as const) : ('stop' as const)",
    "'stop' as const",
  ],
]);
