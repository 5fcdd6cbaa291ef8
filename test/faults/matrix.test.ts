import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { casesTable } from './cases-table.ts';
import { allFaults, isShownOnReal, MATRIX, placesOf, titleOf } from './matrix.ts';
import type { Measurements } from './measurements.ts';
import { faultsPage } from './page.ts';
import { LOSSES, OUTCOMES } from './vocabulary.ts';

const docs = new URL('../../docs/', import.meta.url);
const measurements = JSON.parse(readFileSync(new URL('faults.json', docs), 'utf8')) as Measurements;

describe('the fault matrix', () => {
  test('has no two cells of one name', () => {
    const titles = placesOf().map(titleOf);

    expect(titles).toEqual([...new Set(titles)]);
  });

  test('says why where a fault cannot happen', () => {
    const whys = allFaults().flatMap((fault) =>
      Object.values(MATRIX[fault].cells).flatMap((cell) => ('why' in cell ? [cell.why] : [])),
    );

    expect(whys).not.toEqual([]);
    expect(whys.filter((why) => why.trim() === '')).toEqual([]);
  });

  test('has no word that no cell uses', () => {
    const cells = placesOf().map(({ cell }) => cell);
    const outcomes = new Set<string>(['cannotHappen', ...cells.map(({ outcome }) => outcome)]);
    const losses = new Set<string>(cells.map(({ lost }) => lost));

    expect(Object.keys(OUTCOMES).filter((word) => !outcomes.has(word))).toEqual([]);
    expect(Object.keys(LOSSES).filter((word) => !losses.has(word))).toEqual([]);
  });
});

describe('docs/faults.md', () => {
  test('is what "npm run faults:docs" makes', () => {
    expect(readFileSync(new URL('faults.md', docs), 'utf8')).toBe(faultsPage(measurements));
  });

  test('is accompanied by the table of cases that it makes in docs/performance.md', () => {
    const page = readFileSync(new URL('performance.md', docs), 'utf8');

    expect(page).toContain(`<!-- cases -->\n${casesTable(measurements)}\n<!-- end of cases -->`);
  });

  test('has a figure for every cell that the real Envoy shows', () => {
    const measured = new Set(
      measurements.results.flatMap(({ figures }) => figures.map(({ name }) => name)),
    );
    const places = placesOf().filter(isShownOnReal);

    expect(places.map(titleOf).filter((title) => !measured.has(title))).toEqual([]);
  });
});
