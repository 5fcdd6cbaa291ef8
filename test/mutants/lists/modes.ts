import { mutantsOf } from '../mutant.ts';

export const ofModes = mutantsOf('modes.ts', [
  ['a doomed Envoy is inherited from', 'if (predecessor.isDoomed)', 'if (false)'],
  [
    'a hung Envoy is inherited from',
    'if (predecessor.isHung || predecessor.isKilled)',
    'if (false)',
  ],
  ['a poisoned lineage is launched into', "unsoundness === 'poisoned'", 'false'],
  ['a lineage beyond repair is launched into', "unsoundness === 'beyondRepair'", 'false'],
  ['another hot restart version is no obstacle', '!facts.speaksSameVersion', 'false'],
  ['an obstacle found outside is no obstacle', 'facts.obstacleToHot !== undefined', 'false'],
  [
    'hot that was asked for by name goes side by side',
    "{ kind: 'refused', reason: obstacle }",
    "{ kind: 'go', mode: 'side-by-side', reason: obstacle }",
  ],
  [
    'a mode that was asked for gives way to the setting',
    "handover.askedMode === 'auto' ? facts.policy.handover : handover.askedMode",
    'facts.policy.handover',
  ],
  ['memory too small is never waited for', "isFine || memory === 'warn'", 'isFine || true'],
  [
    'a side step is taken against the word of who asked',
    "if (askedMode !== 'auto') return",
    'if (false) return',
  ],
  ['four live at once', 'livingCount >= MOST_ENVOYS', 'false'],
  [
    'an epoch is used while someone of it lives',
    'if (childOf(state, predecessor) !== undefined) return',
    'if (false) return',
  ],
  [
    'a third of a lineage cuts the drain of its first short',
    'if (parentOf(state, predecessor) !== undefined) return',
    'if (false) return',
  ],
  ['a side step takes both of two away', "memory === 'wait' || standby", "memory === 'wait'"],
  [
    'a rescue waits for memory',
    "aim === 'restore' || choice.mode === 'cold'",
    "choice.mode === 'cold'",
  ],
  ['two processes share what they cannot share', "choice.mode !== 'side-by-side' || fits", 'true'],
]);
