/**
 * The fault matrix: what comes of each fault at each moment of a handover. It is data: the tests
 * beside it hold both Envoys to it, the bench measures what traffic notices, and docs/faults.md is
 * made from both.
 */
import { changeRows } from './rows/changes.ts';
import { newEnvoyRows } from './rows/new-envoy.ts';
import { oldEnvoyRows } from './rows/old-envoy.ts';
import { surroundingsRows } from './rows/surroundings.ts';
import {
  type Cell,
  MOMENTS,
  type Moment,
  OUTCOMES,
  type PossibleCell,
  type Row,
} from './vocabulary.ts';

const rows = { ...newEnvoyRows, ...oldEnvoyRows, ...changeRows, ...surroundingsRows };

export type Fault = keyof typeof rows;
export const MATRIX: Readonly<Record<Fault, Row>> = rows;

/** A cell that has a test, and where it stands. */
export interface Place {
  readonly fault: Fault;
  readonly moment: Moment;
  readonly cell: PossibleCell;
}

/** Every cell of some rows that can happen, row by row. */
export function placesOf(faults: readonly Fault[] = allFaults()): readonly Place[] {
  return faults.flatMap((fault) =>
    allMoments().flatMap((moment) => {
      const cell: Cell = MATRIX[fault].cells[moment];
      return cell.outcome === 'cannotHappen' ? [] : [{ fault, moment, cell }];
    }),
  );
}

export function allFaults(): readonly Fault[] {
  return Object.keys(MATRIX) as Fault[];
}

export function allMoments(): readonly Moment[] {
  return Object.keys(MOMENTS) as Moment[];
}

/** What a cell is called in tests and figures. */
export function titleOf({ fault, moment, cell }: Place): string {
  return `${MATRIX[fault].title}, ${MOMENTS[moment]}: ${OUTCOMES[cell.outcome].name}`;
}

/** Whether the real Envoy can be made to show it. */
export function isShownOnReal({ cell }: Place): boolean {
  return cell.notOnReal === undefined;
}
