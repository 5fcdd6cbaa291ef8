/** Plans of what a hostile writer does, and of when it is looked at, in fast-check's choice. */
import fc from 'fast-check';
import { PUBLISHING_ORDERS, type WritingPlan } from './hostile-writer-calls.ts';
import { DISPLACEMENTS, FOLDER_SPOILINGS, LINK_SPOILINGS } from './hostile-writer-displacements.ts';
import { type GoodSet, LAYOUTS, type LayoutName } from './hostile-writer-folders.ts';
import {
  BUNDLE_COUNT,
  type Content,
  DRESSES,
  LEAF_COUNT,
  STEADY_COUNT,
} from './hostile-writer-material.ts';
import { LITTER, type Operation, type Spoiling } from './hostile-writer-operations.ts';

export interface HostilePlan {
  readonly layout: LayoutName;
  /** What is there at the first look. */
  readonly first?: GoodSet;
  readonly moves: readonly Move[];
  /** With what the writer rests, and how it gets there. */
  readonly last: GoodSet;
  readonly end: End;
}

/** `rebuilt`: every folder is removed and made anew. `mended`: what is wrong in it is put right. */
export type End = 'rebuilt' | 'mended';

export type Move =
  | { readonly kind: 'write'; readonly operation: Operation }
  /** The writer goes on while it is looked at. */
  | {
      readonly kind: 'look';
      readonly meanwhile: readonly Operation[];
      /** After how many calls of the look comes the next one of the writer; again and again. */
      readonly pace: readonly number[];
      /** What is in use is to be cleared of the rest while it looks, and it is to look once more. */
      readonly isPruned: boolean;
    }
  /** All but the newest and, counted from the oldest, one of those in use is forgotten. */
  | { readonly kind: 'prune'; readonly keeps: number }
  | { readonly kind: 'pass'; readonly ms: number };

const few = fc.nat({ max: 5 });

const sets: fc.Arbitrary<GoodSet> = fc.record({
  leaf: fc.oneof(
    { weight: 4, arbitrary: fc.nat({ max: STEADY_COUNT - 2 }) },
    { weight: 1, arbitrary: fc.nat({ max: LEAF_COUNT - 1 }) },
  ),
  bundle: fc.nat({ max: BUNDLE_COUNT - 1 }),
});

const steadySets: fc.Arbitrary<GoodSet> = fc.record({
  leaf: fc.nat({ max: STEADY_COUNT - 2 }),
  bundle: fc.nat({ max: BUNDLE_COUNT - 1 }),
});

const spoilings: fc.Arbitrary<Spoiling> = fc.record({
  dress: fc.constantFrom(...DRESSES, 'anotherFirst', 'anotherBehind'),
  percent: fc.nat({ max: 100 }),
  shift: fc.constantFrom(0, 0, 0, 1),
});

const contents: fc.Arbitrary<Content> = fc.record({
  half: fc.constantFrom('certificate', 'key', 'bundle'),
  pick: fc.nat({ max: LEAF_COUNT - 1 }),
  dress: fc.oneof(fc.constant('plain'), fc.constantFrom(...DRESSES)),
  percent: fc.nat({ max: 100 }),
});

const writings: fc.Arbitrary<WritingPlan> = fc.record({
  how: fc.constantFrom('inPlace', 'byRename', 'overInPlace', 'throughHardLink', 'appended'),
  pieces: fc.integer({ min: 1, max: 3 }),
  temporary: fc.constantFrom('.x', 'x.tmp', 'x~', 'x.pem'),
});

type Facts<Kind extends Operation['kind']> = {
  readonly [Name in keyof Extract<Operation, { readonly kind: Kind }>]: fc.Arbitrary<
    Extract<Operation, { readonly kind: Kind }>[Name]
  >;
};

const where = {
  folder: fc.nat({ max: 1 }),
  name: few,
  isBehind: fc.boolean(),
  endsAfter: fc.oneof(
    { weight: 3, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 }) },
  ),
};

function often<Kind extends Operation['kind']>(
  weight: number,
  kind: Kind,
  facts: Omit<Facts<Kind>, 'kind' | keyof typeof where>,
) {
  const arbitrary = fc.record({ kind: fc.constant(kind), ...where, ...facts });
  return { weight, arbitrary: arbitrary as unknown as fc.Arbitrary<Operation> };
}

const renewals = fc.record({
  first: fc.constantFrom('certificate', 'key'),
  withBundle: fc.boolean(),
  writing: writings.map((writing) =>
    writing.how === 'appended' ? { ...writing, how: 'inPlace' as const } : writing,
  ),
});

const operations: fc.Arbitrary<Operation> = fc.oneof(
  often(8, 'renew', { set: sets, renewal: renewals }),
  often(6, 'publish', { set: sets, order: fc.constantFrom(...PUBLISHING_ORDERS) }),
  often(5, 'spoilAndPublish', { set: sets, spoiling: spoilings }),
  often(6, 'write', { content: contents, writing: writings }),
  often(2, 'litter', { as: fc.constantFrom(...LITTER), content: contents }),
  often(3, 'displace', { by: fc.constantFrom(...DISPLACEMENTS) }),
  often(1, 'exchange', { other: few }),
  often(1, 'chmod', { mode: fc.constantFrom(0, 0o400, 0o644) }),
  often(1, 'touch', {}),
  often(2, 'spoilFolder', { by: fc.constantFrom(...FOLDER_SPOILINGS) }),
  often(1, 'spoilLink', { to: fc.constantFrom(...LINK_SPOILINGS) }),
);

/** A reading of a folder takes some twenty calls, and a look has two or more of them. */
const gaps = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.nat({ max: 12 }) },
  { weight: 1, arbitrary: fc.nat({ max: 50 }) },
);

const looks: fc.Arbitrary<Move> = fc.record({
  kind: fc.constant('look'),
  meanwhile: fc.array(operations, { maxLength: 4 }),
  pace: fc.array(gaps, { minLength: 1, maxLength: 6 }),
  isPruned: fc.integer({ min: 1, max: 5 }).map((value) => value === 5),
});

const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('write'), operation: operations }) },
  { weight: 6, arbitrary: looks },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prune'), keeps: few }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.constantFrom(500, 40_000) }),
  },
);

const layoutNames = Object.keys(LAYOUTS) as readonly LayoutName[];

export const hostilePlans: fc.Arbitrary<HostilePlan> = fc
  .record({
    layout: fc.constantFrom(...layoutNames),
    first: fc.option(sets, { freq: 3, nil: undefined }),
    moves: fc.array(moves, { maxLength: 12, size: 'max' }),
    last: steadySets,
    end: fc.constantFrom('rebuilt', 'mended'),
  })
  .map(({ first, ...plan }) => (first === undefined ? plan : { ...plan, first }));
