import { describe, expect, test } from 'vitest';
import type { Figure } from '../../bench/scenario.ts';
import { keptFigures, type Sample } from '../../bench/scenarios/rotations-soak-kept.ts';

interface Counts {
  readonly residentMb?: number;
  readonly descriptorCount?: number;
  readonly watchCount?: number;
  readonly fileCount?: number;
}

function sampleOf({ fileCount = 17, ...counts }: Counts): Sample {
  const process = {
    residentMb: 60,
    anonymousMb: 20,
    descriptorCount: 30,
    watchCount: 2,
    ...counts,
  };
  return { agent: process, envoy: process, fileCount };
}

/** A hundred rotations; `at` says what there was after each. */
const figuresOf = (at: (rotation: number) => Counts) =>
  keptFigures(Array.from({ length: 100 }, (_, rotation) => sampleOf(at(rotation))));

const missed = (figures: readonly Figure[]) =>
  figures.filter(({ isMet }) => !isMet).map(({ name }) => name);

describe('what is kept over many rotations', () => {
  test('nothing is missed when all of it is flat', () => {
    expect(missed(figuresOf(() => ({})))).toEqual([]);
  });

  test.for<[string, (rotation: number) => Counts, readonly string[]]>([
    [
      'a descriptor',
      (rotation) => ({ descriptorCount: 30 + rotation }),
      ['agent: descriptors but sockets at the end', 'Envoy: descriptors but sockets at the end'],
    ],
    [
      'a watch',
      (rotation) => ({ watchCount: 2 + rotation }),
      ['agent: inotify watches at the end', 'Envoy: inotify watches at the end'],
    ],
    ['a file', (rotation) => ({ fileCount: 17 + rotation }), ['files at the end']],
    [
      'a megabyte',
      (rotation) => ({ residentMb: 60 + rotation }),
      ['agent: resident at the end / in the middle', 'Envoy: resident at the end / in the middle'],
    ],
  ])('%s for each rotation is missed', ([, at, expected]) => {
    expect(missed(figuresOf(at))).toEqual(expected);
  });

  test('what is there only during a handover is not counted as kept', () => {
    const figures = figuresOf((rotation) => ({ fileCount: 17 + (rotation % 2) * 5 }));

    expect(missed(figures)).toEqual([]);
  });

  test('one rotation is enough to tell of', () => {
    expect(missed(keptFigures([sampleOf({})]))).toEqual([]);
  });
});
