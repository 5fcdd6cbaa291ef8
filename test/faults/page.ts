/** docs/faults.md, made from the matrix and from what the bench has measured of it. */
import { markdownTable } from './markdown-table.ts';
import {
  allFaults,
  allMoments,
  type Fault,
  isShownOnReal,
  MATRIX,
  type Place,
  placesOf,
  titleOf,
} from './matrix.ts';
import {
  gapIn,
  lostIn,
  type Measured,
  type Measurements,
  measuredIn,
  NOT_MEASURED,
  sentIn,
} from './measurements.ts';
import {
  type Cell,
  LOSSES,
  type Loss,
  MOMENT_MEANINGS,
  MOMENTS,
  type Moment,
  OUTCOMES,
  type PossibleCell,
} from './vocabulary.ts';

/** The whole page; a cell without a figure says so. */
export function faultsPage(measurements: Measurements): string {
  const measured = measuredIn(measurements);
  const blocks = [
    INTRODUCTION,
    '## What traffic feels',
    losslessly(measured),
    lossTable(measured),
    `Measured on: ${measurements.machine}. ${HOW_MEASURED}`,
    '## Overview',
    overview(measured),
    'A dash: it cannot happen. Without a figure: played on the stand-in for Envoy alone.',
    '## Words',
    ...wordTables(),
    '## Fault by fault',
    ...allFaults().flatMap((fault) => [
      `### ${headingOf(fault)}`,
      MATRIX[fault].about,
      faultTable(fault, measured),
    ]),
    '## How it is shown',
    HOW_SHOWN,
  ];
  return `${blocks.join('\n\n')}\n`;
}

const INTRODUCTION = `# Faults

<!-- Made by "npm run faults:docs" from test/faults and docs/faults.json: edit those. -->

What fails, what Baton does about it, and what traffic feels: every fault at every moment of a handover, as it was played on a real Envoy under load. What the words of log and status mean and what to do about them: [operations](operations.md).`;

const HOW_MEASURED =
  '200 requests a second, half of them on new connections, from before the handover to after the outcome; drains of 1 s, a token\'s delay of 200 ms, a hang deadline of 3 or 4 s. A request is lost when it was not answered in full, for whatever reason; nothing is sent twice. "Within" is the time in which all of the lost were due, the gap is the longest time without an answer to anyone. Some of these faults beside what other supervisors make of them: [performance](performance.md#beside-other-supervisors).';

const HOW_SHOWN =
  'The matrix is code (`test/faults/matrix.ts`). Each cell that can happen is played by a test on a stand-in for Envoy that is held at the exact moment, and on the real Envoy wherever that can be made to show it. A cell has passed when the outcome named here came about, one Envoy serves alone afterwards, no rule of the hot restart protocol was broken, and the next handover is `hot` again. `npm run bench -- faults --json docs/faults.json` measures what is shown on the real Envoy, and fails where more is lost than the cell allows; `npm run faults:docs` makes this page of it.';

function losslessly(measured: Measured): string {
  const shown = placesOf().filter(isShownOnReal);
  const lossless = shown.filter((place) => lostIn(measured.get(titleOf(place))) === 0);
  return `Of the ${shown.length} cells of the matrix that a real Envoy can be made to show, ${lossless.length} lost no request at all when they were measured. The others, and what helps against them:`;
}

function lossTable(measured: Measured): string {
  const rows = (Object.keys(LOSSES) as Loss[]).map((loss) => {
    const { name, meaning, remedy } = LOSSES[loss];
    const places = placesOf().filter(({ cell }) => cell.lost === loss);
    return [name, meaning, `${places.length}`, worstOf(places, measured), remedy];
  });
  return markdownTable(
    ['lost at most', 'meaning', 'cells', 'the worst that was measured', 'what helps'],
    rows,
  );
}

/** By requests lost, then by the gap. */
function worstOf(places: readonly Place[], measured: Measured): string {
  const figures = places
    .map((place) => measured.get(titleOf(place)))
    .filter((figure) => figure !== undefined);
  const [worst] = figures.toSorted(
    (a, b) => (lostIn(b) ?? 0) - (lostIn(a) ?? 0) || gapIn(b) - gapIn(a),
  );
  const sent = figures.reduce((sum, figure) => sum + sentIn(figure), 0);
  if (worst === undefined) return NOT_MEASURED;
  return lostIn(worst) === 0 ? `0 of ${sent} in all` : worst;
}

function overview(measured: Measured): string {
  const rows = allFaults().map((fault) => [
    `[${MATRIX[fault].title}](#${anchorOf(headingOf(fault))})`,
    ...allMoments().map((moment) => {
      const cell: Cell = MATRIX[fault].cells[moment];
      if (cell.outcome === 'cannotHappen') return '-';
      const lost = lostIn(measured.get(titleOf({ fault, moment, cell })));
      const { name } = OUTCOMES[cell.outcome];
      return lost === undefined ? name : `${name}: ${lost} lost`;
    }),
  ]);
  return markdownTable(['', ...allMoments().map((moment) => MOMENTS[moment])], rows);
}

function wordTables(): readonly string[] {
  return [
    markdownTable(
      ['moment', 'meaning'],
      allMoments().map((moment) => [MOMENTS[moment], MOMENT_MEANINGS[moment]]),
    ),
    markdownTable(
      ['outcome', 'meaning'],
      Object.values(OUTCOMES).map(({ name, meaning }) => [name, meaning]),
    ),
  ];
}

function faultTable(fault: Fault, measured: Measured): string {
  const rowOf = (moment: Moment) => {
    const cell: Cell = MATRIX[fault].cells[moment];
    if (cell.outcome === 'cannotHappen') {
      return [MOMENTS[moment], OUTCOMES.cannotHappen.name, '', '', cell.why];
    }
    const title = titleOf({ fault, moment, cell });
    return [
      MOMENTS[moment],
      OUTCOMES[cell.outcome].name,
      LOSSES[cell.lost].name,
      cell.notOnReal === undefined ? (measured.get(title) ?? NOT_MEASURED) : 'stand-in only',
      remarkOn(cell),
    ];
  };
  return markdownTable(
    ['moment', 'outcome', 'lost at most', 'measured on the real Envoy', ''],
    allMoments().map(rowOf),
  );
}

function remarkOn({ note, notOnReal }: PossibleCell): string {
  return [note, notOnReal].filter((one) => one !== undefined).join('; ');
}

function headingOf(fault: Fault): string {
  const { title } = MATRIX[fault];
  return `${title.charAt(0).toUpperCase()}${title.slice(1)}`;
}

/** As the usual renderers of Markdown name a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
