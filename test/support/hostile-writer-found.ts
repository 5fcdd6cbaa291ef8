/** Plans that have found something, in their shortest form; they are tried first for ever after. */
import type { HostilePlan } from './hostile-writer-plans.ts';

const every = { folder: 0, isBehind: false } as const;
const last = { leaf: 0, bundle: 0 } as const;

export const FOUND_BEFORE: readonly [HostilePlan][] = [
  // The key file of the one pair begins with the key of the other: Envoy loads the first of a file.
  [
    {
      layout: 'severalPairs',
      moves: [
        {
          kind: 'write',
          operation: {
            ...every,
            kind: 'spoilAndPublish',
            name: 1,
            set: last,
            spoiling: { dress: 'anotherFirst', percent: 0, shift: 0 },
          },
        },
        { kind: 'look', meanwhile: [], pace: [0], isPruned: false },
      ],
      last,
      end: 'rebuilt',
    },
  ],
];
