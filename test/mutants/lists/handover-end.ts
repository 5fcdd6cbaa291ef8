import { mutantsOf } from '../mutant.ts';

export const ofHandoverEnd = mutantsOf('handover-end.ts', [
  ['a handover that was given up keeps its delay', "disarm(again, 'retry', 'headroom')", 'again'],
  [
    'a refused change is tried again for ever',
    'isGivenUp && isChange ? givenUp(turn.state.handover, { reason, atMs: turn.atMs }) : {}',
    '{}',
  ],
  [
    'a standby that was given up is tried again for ever',
    "isGivenUp && aim === 'standby' ?",
    "isGivenUp && aim === 'restore' ?",
  ],
  [
    'a handover that retires is reported once more',
    "turn.state.handover.step === 'retiring' ? turn : reportEnd(turn, result, reason)",
    'reportEnd(turn, result, reason)',
  ],
  [
    'who asked is answered twice',
    'handover: { ...handover, requests: [] } });\n  return emit(told',
    'handover });\n  return emit(told',
  ],
  [
    'one that hangs is replaced again at once when that failed',
    'isGivenUp ? replaceLater(settled, turn.state.handover) : settled',
    'settled',
  ],
]);
